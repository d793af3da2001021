from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from scripts.skull.atlas import atlas
from scripts.skull.directions import LINES, RADIUS_MM
from scripts.skull.gaps import Gaps
from scripts.skull.rays import View
from scripts.skull.staircase import (
    LOST,
    THICK_MM,
    THICKEST_MM,
    in_plane,
    is_thick,
    is_too_thick,
    slice_normal,
    weights,
    without_rings,
)
from scripts.skull.surface import fine_surface

NORMAL = np.array([0.0, np.sin(0.2), np.cos(0.2)])


def test_the_slice_normal_and_distance_are_those_of_a_sheared_grid() -> None:
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0.5, 0, 0], [0, 0.5 * np.cos(0.3), 0], [0, 0.5 * np.sin(0.3), 5]])
    normal, distance = slice_normal(View(np.zeros(3), np.linalg.inv(affine), np.zeros(3, bool), np.ones(3, int)))
    np.testing.assert_allclose(normal, [0, -np.sin(0.3), np.cos(0.3)], atol=1e-12)
    assert distance == pytest.approx(5 * np.cos(0.3))


def test_slices_that_were_interpolated_lie_along_the_third_axis_and_keep_their_gap() -> None:
    seen = View(np.zeros(3), np.linalg.inv(np.diag([0.6, 0.6, 0.5, 1.0])), np.zeros(3, bool), np.ones(3, int))
    normal, distance = slice_normal(seen, 7.0)
    np.testing.assert_allclose(normal, [0, 0, 1], atol=1e-12)
    assert distance == 7
    assert slice_normal(seen)[1] == pytest.approx(0.6)


def test_the_class_of_slices_does_not_depend_on_how_the_head_is_turned() -> None:
    """Of slices exactly at a limit, some turned grids have a distance below it by rounding, and some above."""
    distances: dict[float, list[float]] = {THICK_MM: [], THICKEST_MM: []}
    for seed in range(40):
        turned = np.eye(4)
        turned[:3, :3] = Rotation.random(rng=seed).as_matrix()
        for limit_mm, found in distances.items():
            to_voxel = np.linalg.inv(turned @ np.diag([0.5, 0.5, limit_mm, 1.0]))
            found.append(slice_normal(View(np.zeros(3), to_voxel, np.zeros(3, bool), np.ones(3, int)))[1])
    assert min(distances[THICK_MM]) < THICK_MM
    assert max(distances[THICKEST_MM]) > THICKEST_MM
    assert all(is_thick(mm) for mm in distances[THICK_MM])
    assert not any(is_too_thick(mm) for mm in distances[THICKEST_MM])
    assert not is_thick(3.9)
    assert is_too_thick(8.1)


def test_rings_are_taken_off_and_a_line_across_stays() -> None:
    tables = atlas()
    surface = fine_surface(np.full(len(tables.coarse), RADIUS_MM), tables)
    along = in_plane(surface, NORMAL)
    height = RADIUS_MM * (tables.fine @ NORMAL)
    side = (np.abs(height) < 50) & (tables.fine[:, 2] > 0)
    bone = np.ones(len(height), bool)
    rings = without_rings(Gaps(0.3 * np.sin(2 * np.pi * height / 5), bone), along, tables)
    assert rings.gap[side].std() < 0.08
    line = np.abs(tables.fine[:, 0]) * RADIUS_MM < 1
    crossing = without_rings(Gaps(np.where(line, 0.5, 0.0), bone), along, tables)
    assert np.median(crossing.gap[line & side]) > 0.4


def test_lines_in_the_slice_plane_lose_half() -> None:
    tables = atlas()
    along = in_plane(fine_surface(np.full(len(tables.coarse), RADIUS_MM), tables), np.array([0.0, 1.0, 0.0]))
    vertex = int(tables.fine[:, 2].argmax())
    found = weights(along, tables)[:, vertex]
    assert found[0] == pytest.approx(1 - LOST, abs=0.01)
    assert found[LINES // 2] == pytest.approx(1, abs=0.01)
