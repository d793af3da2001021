"""The lesion in a place: its volume, its HU and those of the other side, whatever the halo's size."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from brain_scan import TISSUE_HU, brain_scan, place_around
from scipy import ndimage

from scripts.anomaly.detections.lesion import (
    MIXED_HU,
    REACH_MM,
    find_lesion,
    grow,
    masked_mean,
    place_masks,
    unusual_across,
)
from scripts.anomaly.detections.places import Place

CENTRE = (30.0, 5.0, 10.0)


def ball_ml(radius: float) -> float:
    return float(4 / 3 * np.pi * radius**3 / 1000)


@pytest.mark.parametrize("halo", [1.0, 1.4, 1.8])
@pytest.mark.parametrize(("value", "density"), [(60, "brighter"), (12, "darker")])
def test_the_volume_is_the_lesion_s_and_not_the_halo_s(value: int, density: str, halo: float) -> None:
    radius = 14.0
    found = find_lesion(place_around(CENTRE, halo * radius), brain_scan((CENTRE, radius, value)))
    assert found.density == density
    assert found.mask.sum() / 1000 == pytest.approx(ball_ml(radius), rel=0.15)
    assert found.hu == pytest.approx(value, abs=3)
    assert found.mirror_hu == pytest.approx(TISSUE_HU, abs=1)
    middle = found.voxels.mean(axis=0) - 127.5
    np.testing.assert_allclose(middle, CENTRE, atol=1)


def test_a_lesion_across_the_midline_is_compared_with_its_surroundings() -> None:
    centre = (0.0, 10.0, 5.0)
    found = find_lesion(place_around(centre, 16), brain_scan((centre, 12, 60)))
    assert found.density == "brighter"
    assert found.mask.sum() / 1000 == pytest.approx(ball_ml(12), rel=0.15)


def test_a_voxel_without_a_mean_in_the_core_hides_no_lesion() -> None:
    values = np.full((9, 9, 9), 30, np.float32)
    values[3:6, 3:6, 3:6] = 60
    values[4, 4, 4] = np.nan
    core = np.zeros(values.shape, bool)
    core[4, 4, 3:6] = True
    inside = np.ones(values.shape, bool)
    found = grow(values, np.full_like(values, 30), inside, core, 30.0, 1.0)
    assert found.sum() == 27, "it is filled as any hole is"
    nowhere = np.zeros_like(core)
    nowhere[4, 4, 4] = True
    assert not grow(values, np.full_like(values, 30), inside, nowhere, 30.0, 1.0).any()


def test_where_the_hu_tell_nothing_the_place_stands_for_the_lesion() -> None:
    place = place_around(CENTRE, 10)
    found = find_lesion(place, brain_scan())
    assert found.density is None
    assert found.mask.sum() == len(place.voxels) * 8
    assert found.hu == pytest.approx(TISSUE_HU, abs=1)


def test_bone_is_no_bright_lesion_and_a_lesion_stays_near_its_place() -> None:
    at = (45.0, 5.0, 10.0)
    scan = brain_scan((at, 12, 60), ((45.0, -40.0, 10.0), 6, 60))
    found = find_lesion(place_around(at, 20), scan)
    hu, _ = scan.box(found.start, found.mask.shape)
    assert hu[found.mask].max() < MIXED_HU
    assert found.mask.sum() / 1000 == pytest.approx(ball_ml(12), rel=0.25), "the part inside the skull"
    assert found.voxels[:, 1].min() - 127.5 > -12, "the other ball is no part of it"


def test_a_place_at_the_edge_of_the_grid_is_measured() -> None:
    edge = Place(np.array([[0, 0, 0], [2, 0, 0]]), np.float32([5, 6]), np.array([2, 0, 0]), {"density": 1.0}, 2)
    found = find_lesion(edge, brain_scan())
    assert (found.density, found.hu, found.mirror_hu) == (None, pytest.approx(-1000, abs=30), None)
    assert found.mask.sum() == 16, "no voxel is soft, so the place stands for the lesion"


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_a_voxel_of_the_map_stands_for_its_cube(stride: int) -> None:
    place = Place(np.array([[8, 8, 8], [12, 8, 8]]), np.float32([5, 9]), np.array([12, 8, 8]), {"density": 1.0}, stride)
    whole, core = place_masks(place, np.array([2, 2, 2]), (20, 20, 20))
    assert (whole.sum(), core.sum()) == (2 * stride**3, stride**3)
    low = 8 - 2 - (stride - 1) // 2
    assert whole[low, low, low]
    assert core[low + 4, low, low]
    assert not core[low, low, low]


def test_the_mirrored_place_is_unusual_on_both_sides_of_the_midline_alone() -> None:
    near, far = place_around((2.0, 0, 0), 6), place_around((40.0, 0, 0), 6)
    assert unusual_across(near, np.array([110, 110, 110]), (36, 36, 36)).any()
    start = far.voxels.min(axis=0) - 10
    assert not unusual_across(far, start, (36, 36, 36)).any()
    mirrored = dataclasses.replace(far, voxels=far.voxels * [-1, 1, 1] + [255, 0, 0])
    assert unusual_across(mirrored, start, (36, 36, 36)).any(), "negative control"


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_mirrored_place_is_the_mirror_image_of_its_cubes(stride: int) -> None:
    place = Place(np.array([[100, 60, 80]]), np.float32([5]), np.array([100, 60, 80]), {"density": 1.0}, stride)
    box = tuple(slice(first, first + 30) for first in (140, 45, 65))
    whole, _ = place_masks(place, np.array([0, 0, 0]), (256, 256, 256))
    expected = ndimage.distance_transform_edt(~whole[::-1][box]) <= REACH_MM / 2
    found = unusual_across(place, np.array([140, 45, 65]), (30, 30, 30))
    np.testing.assert_array_equal(found, expected)
    assert found.any()


def test_a_mean_is_that_of_soft_voxels_alone() -> None:
    hu, soft = np.full((9, 9, 9), 30, np.float32), np.ones((9, 9, 9), bool)
    hu[:4], soft[:4] = 1000, False
    found = masked_mean(hu, soft, 1.0)
    np.testing.assert_allclose(found[4:], 30, rtol=1e-5)
    assert np.isnan(found[0]).all()
