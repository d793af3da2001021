"""Fractures: a thin cut through the calvaria, and a piece of it pushed in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from toy_head import CENTRE, INNER_MM, OUTER_MM, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.lesions import cuts, fractures
from scripts.simulation.lesions.growth import Lesion
from scripts.simulation.lesions.planting import plant_lesion

LABELS = toy_labels()
HU = toy_hu(LABELS)
BONE = np.isin(LABELS, (515, 516))
SEEDS = range(6)


def fracture(kind: str, seed: int) -> Lesion:
    """A fracture on the right of the toy head, its gap filled with 45 HU."""
    return plant_lesion(HU, LABELS, SPACING_MM, kind, "right", np.random.default_rng(seed), lesion_hu=45)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_linear_fracture_is_a_thin_cut_through_the_calvaria(seed: int) -> None:
    """In bone, never two voxels thick, as long as asked for, through both tables, and darker than bone."""
    hu, _, mask, _ = fracture("linear_fracture", seed)
    cut = mask == 1
    assert BONE[cut].all()
    assert not ndimage.binary_erosion(cut, np.ones((3, 3, 3))).any()
    offsets = (np.argwhere(cut) - CENTRE) * SPACING_MM
    length_mm = np.linalg.norm(np.ptp(offsets, axis=0))
    assert 0.5 * fractures.LENGTH_MM[0] < length_mm < 1.3 * fractures.LENGTH_MM[1]
    through = np.linalg.norm(offsets / INNER_MM, axis=1)
    assert through.min() < 1.04
    assert np.linalg.norm(offsets / OUTER_MM, axis=1).max() > 0.96
    drop = (HU - hu)[cut]
    assert drop.min() > 0
    assert drop.mean() > cuts.LEAST_SHARE * 500
    np.testing.assert_array_equal(hu[~BONE], HU[~BONE])


def test_the_missing_bone_adds_up_to_the_width() -> None:
    """Summed over the cut, the lost share of bone is width x length x thickness: shares are volumes, not flags."""
    for seed in SEEDS:
        hu, _, mask, _ = fracture("linear_fracture", seed)
        lost_mm3 = ((HU - hu) / np.maximum(HU - 45, 1))[BONE].sum() * SPACING_MM**3
        length_mm = np.linalg.norm(np.ptp(np.argwhere(mask == 1) * SPACING_MM, axis=0))
        width_mm = lost_mm3 / (length_mm * 8.0)
        assert 0.5 * cuts.WIDTH_MM[0] < width_mm < 1.5 * cuts.WIDTH_MM[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_depressed_fracture_has_bone_inside_of_the_inner_table(seed: int) -> None:
    """Bone appears where there was brain, as deep as asked for, about as much of it as was taken away."""
    hu, _, mask, _ = fracture("depressed_fracture", seed)
    gained, lost = (hu > 250) & ~BONE, BONE & (hu < 250)
    assert gained.sum() > 20
    assert 0.5 < gained.sum() / lost.sum() < 1.5
    assert (mask[gained | lost] == 1).mean() > 0.9
    offsets = (np.argwhere(gained) - CENTRE) * SPACING_MM
    depth_mm = (1 / np.linalg.norm(offsets / INNER_MM, axis=1) - 1) * np.linalg.norm(offsets, axis=1)
    assert 2 < depth_mm.max() < fractures.DEPTH_MM[1] + 2
    assert ndimage.label(mask == 1)[1] == 1
    radius_mm = np.ptp(np.argwhere(mask == 1), axis=0).max() * SPACING_MM / 2
    assert fractures.RADIUS_MM[0] - 3 < radius_mm < fractures.RADIUS_MM[1] + 8


@pytest.mark.parametrize("seed", SEEDS)
def test_a_diastatic_fracture_is_a_wide_cut_where_sutures_run(seed: int) -> None:
    """In bone and through it, as wide as asked for, rising backward, in front of the middle or far behind it."""
    hu, labels, mask, shift_mm = fracture("diastatic_fracture", seed)
    cut = mask == 1
    assert BONE[cut].all()
    np.testing.assert_array_equal(labels, LABELS)
    assert shift_mm == 0
    offsets = (np.argwhere(cut) - CENTRE) * SPACING_MM
    assert not -10 < offsets[:, 1].mean() < 15
    assert np.corrcoef(offsets[:, 1], offsets[:, 2])[0, 1] < 0.2
    length_mm = np.linalg.norm(np.ptp(offsets, axis=0))
    assert 0.5 * fractures.SUTURE_LENGTH_MM[0] < length_mm < 1.5 * fractures.SUTURE_LENGTH_MM[1]
    lost_mm3 = ((HU - hu) / np.maximum(HU - 45, 1))[BONE].sum() * SPACING_MM**3
    width_mm = lost_mm3 / (length_mm * 8.0)
    assert 0.5 * fractures.SUTURE_WIDTH_MM[0] < width_mm < 1.5 * fractures.SUTURE_WIDTH_MM[1]
