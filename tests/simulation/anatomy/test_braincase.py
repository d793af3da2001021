"""The braincase: centre, mid-plane, rays and blocks against the ellipsoids that the label map is made of."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from toy_head import CENTRE, INNER_MM, OUTER_MM, SPACING_MM, toy_labels

from scripts.simulation.anatomy.braincase import SIDES, Braincase, block_around, labelled


@pytest.fixture(scope="module")
def case() -> Braincase:
    """The braincase of the toy head."""
    return Braincase(toy_labels(), np.full(3, SPACING_MM))


def test_the_tables_of_the_skull_are_where_the_ellipsoids_end(case: Braincase) -> None:
    """Along any ray from the centre: 1 / |direction / radii|, to within a voxel's diagonal."""
    for side in SIDES:
        for azimuth in (-60, 0, 45):
            for elevation in (0, 30, 80):
                out = case.direction(side, azimuth, elevation)
                # The cerebrum's centre lies above that of the skull: put the ray's start into the ellipsoids' frame.
                start = case.centre_mm - np.array(CENTRE) * SPACING_MM
                for radii, got in zip((INNER_MM, OUTER_MM), case.tables_mm(out), strict=True):
                    distances = np.arange(0, 120, 0.1)
                    scaled = np.linalg.norm((start + distances[:, None] * out) / radii, axis=1)
                    assert got == pytest.approx(distances[np.argmax(scaled > 1)], abs=2.5)


def test_directions_are_the_patients(case: Braincase) -> None:
    """Right is +x, azimuth 90 is forward, elevation 90 is up."""
    np.testing.assert_allclose(case.direction("right", 0, 0), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(case.direction("left", 0, 0), [-1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(case.direction("left", 90, 0), [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(case.direction("right", 20, 90), [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize("degrees", [0, 8, -12])
def test_the_mid_plane_follows_a_turned_head(degrees: float) -> None:
    """After a turn about the vertical axis, nearly every hemisphere voxel is on its own side of the plane."""
    turned = ndimage.rotate(toy_labels(), degrees, axes=(0, 1), order=0, reshape=False)
    case = Braincase(turned, np.full(3, SPACING_MM))
    everything = tuple(slice(0, n) for n in turned.shape)
    for side, own in (("left", (2, 3)), ("right", (41, 42))):
        lateral = case.lateral_mm(case.offsets_mm(everything), side)[labelled(turned, own)]
        assert (lateral > -SPACING_MM).mean() > 0.99
        assert (lateral > 0).mean() > 0.95
    if degrees:
        naive = (np.argwhere(labelled(turned, (41, 42)))[:, 0] > CENTRE[0]).mean()
        assert naive < 0.95


def test_maps_that_are_not_ras_are_refused() -> None:
    """A mirrored map whose labels were not swapped, and one with a single hemisphere."""
    labels = toy_labels()
    with pytest.raises(ValueError, match="left cerebrum lies at larger first indices"):
        Braincase(labels[::-1], np.ones(3))
    with pytest.raises(ValueError, match="holds no right cerebrum"):
        Braincase(np.where(labels > 40, 24, labels).astype(np.int16), np.ones(3))


def test_no_bone_is_said_so() -> None:
    """A head whose skull is missing has no tables."""
    labels = toy_labels()
    labels[labels > 500] = 507
    case = Braincase(labels, np.full(3, SPACING_MM))
    with pytest.raises(ValueError, match="no bone in direction"):
        case.tables_mm(case.direction("left", 0, 30))


def test_a_block_is_the_smallest_with_its_margin() -> None:
    """Cut at the borders of the grid; an empty mask has none."""
    mask = np.zeros((10, 10, 10), bool)
    mask[2:4, 0, 9] = True
    assert block_around(mask, 1) == (slice(1, 5), slice(0, 2), slice(8, 10))
    with pytest.raises(ValueError, match="mask is empty"):
        block_around(mask & False, 1)
