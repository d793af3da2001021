"""A piece in fragments: pushed in, each by its own depth, with gaps that part it from the rest and from one another."""

from __future__ import annotations

import numpy as np
import pytest
from broken_head import BONE, HU, broken, places_mm
from scipy import ndimage
from toy_head import CENTRE, INNER_MM, SPACING_MM

from scripts.simulation.lesions import comminuted, fractures

SOLID_HU = 300.0


def fragments(hu: np.ndarray) -> int:
    """Pieces of bone, the largest of which is the skull, of a dozen voxels or more."""
    pieces, _ = ndimage.label(hu > SOLID_HU)
    return int((np.bincount(pieces[(hu > SOLID_HU)]) >= 12).sum()) - 1


@pytest.mark.parametrize("seed", range(4))
def test_bone_comes_to_lie_inside_of_the_inner_table(seed: int) -> None:
    hu, _, mask, _ = broken("comminuted_fracture", seed, width_mm=0.5)
    gained = (hu > 250) & ~BONE
    assert gained.sum() > 20
    assert (mask[gained] == 1).mean() > 0.9
    offsets = (np.argwhere(gained) - CENTRE) * SPACING_MM
    depth_mm = (1 / np.linalg.norm(offsets / INNER_MM, axis=1) - 1) * np.linalg.norm(offsets, axis=1)
    assert 0.5 * fractures.DEPTH_MM[0] - 1 < depth_mm.max() < fractures.DEPTH_MM[1] + 2
    assert 2 * fractures.RADIUS_MM[0] - 5 < np.ptp(places_mm(mask), axis=0).max() < 2 * fractures.RADIUS_MM[1] + 16


def test_a_wide_gap_parts_the_fragments_and_a_bent_piece_hangs_together() -> None:
    """Without gaps, a depressed piece stays one with the skull."""
    parted = {fragments(broken("comminuted_fracture", seed, width_mm=3.0).hu) for seed in range(6)}
    assert parted == set(range(comminuted.FRAGMENTS[0], comminuted.FRAGMENTS[1] + 1))
    assert [fragments(broken("depressed_fracture", seed).hu) for seed in range(6)] == [0] * 6


def test_a_wider_gap_takes_more_bone() -> None:
    mass = [
        np.clip(broken("comminuted_fracture", 1, width_mm=width).hu - 150, 0, None).sum() for width in (0.5, 1.5, 3)
    ]
    assert mass[0] > mass[1] > mass[2]
    assert mass[0] < np.clip(HU - 150, 0, None).sum()


def test_the_distance_from_rim_and_cracks_is_that_to_the_nearest_of_their_points() -> None:
    x, y = np.meshgrid(np.linspace(-12, 12, 13), np.linspace(-12, 12, 13), indexing="ij")
    cracks = np.array([0.3, 2.0, 4.4])
    turn, reach = np.linspace(0, 2 * np.pi, 1500), np.linspace(0, 25, 1000)
    rim = np.stack([10 * np.cos(turn), 10 * np.sin(turn)], axis=1)
    rays = [np.stack([reach * np.cos(crack), reach * np.sin(crack)], axis=1) for crack in cracks]
    points = np.concatenate([rim, *rays])
    slow = np.linalg.norm(np.stack([x, y], axis=-1)[..., None, :] - points, axis=-1).min(axis=-1)
    found = comminuted.aside_mm(np.hypot(x, y), np.arctan2(y, x), 10.0, cracks)
    np.testing.assert_allclose(found, slow, atol=0.04)
