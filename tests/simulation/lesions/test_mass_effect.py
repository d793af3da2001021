"""The push: where it goes, how much, and that the skull and everything beyond stay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from toy_head import CENTRE, SHAPE, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.anatomy.braincase import Array, Braincase, Mask, labelled
from scripts.simulation.anatomy.labels import INTRACRANIAL
from scripts.simulation.lesions import mass_effect
from scripts.simulation.lesions.mass_effect import push

LABELS = toy_labels()
HU = toy_hu(LABELS)
CASE = Braincase(LABELS, np.full(3, SPACING_MM))
WHOLE = tuple(slice(0, n) for n in SHAPE)
OFFSETS_MM = (np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1) - CENTRE) * SPACING_MM


def ball(centre_mm: tuple[float, float, float], radius_mm: float) -> Mask:
    """A ball in the toy head, placed from its middle."""
    inside: Mask = np.linalg.norm(OFFSETS_MM - centre_mm, axis=-1) < radius_mm
    return inside


def centroid_mm(mask: Mask) -> Array:
    """Middle of a mask, from that of the head."""
    return np.asarray(OFFSETS_MM[mask].mean(axis=0))


@pytest.mark.parametrize(("side", "sign"), [("left", -1), ("right", 1)])
def test_the_brain_moves_away_from_the_lesion(side: str, sign: int) -> None:
    """Both ventricles and the midline go to the other side by millimetres, the near ventricle shrinks."""
    lesion = ball((sign * 42, 0, 20), 22)
    _, labels, _, shift_mm = push(HU, CASE, side, WHOLE, 1.0 * lesion)
    assert 1 < shift_mm < 8
    for label in (4, 43):
        moved_mm = centroid_mm(labels == label) - centroid_mm(label == LABELS)
        assert 0.3 < -sign * moved_mm[0] < 8
    near, far = (
        (labels == label).sum() / (label == LABELS).sum() for label in ((4, 43) if side == "left" else (43, 4))
    )
    assert near < 0.9
    assert near < far < 1.05


def test_the_displacement_near_a_ball_is_that_of_an_incompressible_body() -> None:
    """At distance r, R^3 / (3 r^2), where the skull is far: marks beside the ball move by about that."""
    lesion = ball((-36, 0, 10), 14)
    for at_mm in (20.0, 26.0):
        mark = ball((-36, at_mm, 10), 3)
        marked = np.where(mark, 1000, 0).astype(np.float32)
        hu = push(marked, CASE, "left", WHOLE, 1.0 * lesion)[0]
        moved_mm = centroid_mm(hu > 500)[1] - at_mm
        assert moved_mm == pytest.approx(14**3 / (3 * at_mm**2), rel=0.5)


def test_what_shrinks_pulls() -> None:
    """The opposite sign moves the midline the other way."""
    lesion = ball((-42, 0, 20), 22)
    assert push(HU, CASE, "left", WHOLE, -0.3 * lesion)[3] < -0.2


def test_the_skull_and_what_lies_beyond_do_not_move() -> None:
    """Not a voxel outside of the dura changes, and none inside turns into bone."""
    hu, labels, _, _ = push(HU, CASE, "left", WHOLE, 1.5 * ball((-50, 0, 20), 24))
    inside = labelled(LABELS, INTRACRANIAL)
    np.testing.assert_array_equal(hu[~inside], HU[~inside])
    np.testing.assert_array_equal(labels[~inside], LABELS[~inside])
    assert labelled(labels, INTRACRANIAL)[inside].all()
    assert hu[inside].max() < 100


def test_hu_labels_and_mask_move_together() -> None:
    """Every voxel of the pushed head still has the HU of its label, and marked tissue keeps its mark."""
    mark = (LABELS == 4).astype(np.uint8)
    hu, labels, mask, _ = push(HU, CASE, "left", WHOLE, 1.0 * ball((-42, 0, 20), 22), mark)
    np.testing.assert_array_equal(hu, toy_hu(labels))
    np.testing.assert_array_equal(mask == 1, labels == 4)


def test_no_space_changes_nothing() -> None:
    """The very arrays come back."""
    hu, labels, mask, shift_mm = push(HU, CASE, "left", WHOLE, np.zeros(SHAPE))
    assert hu is HU
    assert labels is LABELS
    assert not mask.any()
    assert shift_mm == 0


def test_the_largest_shift_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the whole displacement is scaled down."""
    lesion = 1.0 * ball((-42, 0, 20), 22)
    free = push(HU, CASE, "left", WHOLE, lesion)
    monkeypatch.setattr(mass_effect, "LARGEST_SHIFT_MM", free[3] / 2)
    bound = push(HU, CASE, "left", WHOLE, lesion)
    assert bound[3] == pytest.approx(free[3] / 2)
    moved = [centroid_mm(labels == 43)[0] - centroid_mm(LABELS == 43)[0] for labels in (free[1], bound[1])]
    assert moved[1] == pytest.approx(moved[0] / 2, abs=0.4)


def test_flow_is_conserved_against_a_direct_solution() -> None:
    """On a small box with a source and a sink: the flows' divergence is the source, by finite volumes."""
    rho = np.zeros((7, 6, 5))
    rho[1, 2, 2], rho[5, 3, 2] = 1.0, -1.0
    flows = mass_effect._flows(rho, np.ones(rho.shape), np.ones(rho.shape), np.full(3, 2.0))
    # A cell's displacement is the mean over its two faces, so sums across a plane of faces alternate between halves.
    through = [(flows[0][i] + flows[0][i + 1]).sum() for i in range(2, 4)]
    np.testing.assert_allclose(through, 2 * 2.0, rtol=0.02)
    assert ndimage.center_of_mass(np.abs(flows[1]))[0] == pytest.approx(3, abs=1)
