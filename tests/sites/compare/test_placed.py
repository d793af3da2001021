"""A scan in reference space: the same head whatever its pose, and back on the scan's own grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compared_scan import RADII_MM, RIGHT, judged

from scripts.geometry.affines import transform_points
from scripts.geometry.coordinates import grid_affine
from scripts.results.record import ResultIncomplete
from scripts.sites.compare.placed import SHAPE, STRIDE, on_scan, placed

POINTS = transform_points(grid_affine(STRIDE), np.moveaxis(np.indices(SHAPE), 0, -1))
INNER = np.linalg.norm(POINTS / RADII_MM, axis=-1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_same_head_lies_in_the_same_place(seed: int) -> None:
    scan = placed(judged([RIGHT], seed=seed))
    deep, far = INNER < 0.9, INNER > 1.1
    assert (scan.brain[deep & (POINTS[..., 0] < -3)] == 1).all()
    assert (scan.brain[deep & (POINTS[..., 0] > 3)] == 2).all()
    assert not scan.brain[far].any()
    assert not scan.heat[far].any()
    ball = np.linalg.norm(POINTS - RIGHT.at_mm, axis=-1)
    np.testing.assert_allclose(scan.heat[ball < RIGHT.radius_mm - 5], RIGHT.heat, rtol=1e-5)
    np.testing.assert_allclose(scan.heat[deep & (ball > RIGHT.radius_mm + 7)], 0.5, rtol=1e-5)
    assert (scan.ranks[ball < RIGHT.radius_mm - 3] == 1).all()
    assert not scan.ranks[ball > RIGHT.radius_mm + 3].any()


def test_the_skull_s_heat_does_not_leak_into_the_brain() -> None:
    result = judged()
    hot = np.where(result.regions == 3, np.float32(50), result.heatmap)
    result.__dict__["heatmap"] = hot
    scan = placed(result)
    np.testing.assert_allclose(scan.heat[scan.brain > 0], 0.5, rtol=1e-5)
    assert scan.own_heat.max() == np.float32(0.5)


def test_a_map_goes_back_to_the_scan_s_own_grid() -> None:
    scan = placed(judged(seed=2))
    field = (POINTS @ np.array([1.0, -0.5, 0.25])).astype(np.float32)
    own = transform_points(scan.to_reference, np.moveaxis(np.indices(scan.hu.shape), 0, -1))
    inside = (np.abs(own) < 125).all(axis=-1)
    expected = own @ np.array([1.0, -0.5, 0.25])
    np.testing.assert_allclose(on_scan(field, scan)[inside], expected[inside], atol=1e-2)


def test_results_without_volumes_are_refused() -> None:
    result = judged()
    files = {name: content for name, content in result.files.items() if name != "regions.nii.gz"}
    with pytest.raises(ResultIncomplete, match=r"no regions.nii.gz in it. Run the scan again with --maps all"):
        placed(replace(result, files=files))
