"""Geometry of slices, against matrix algebra on the table of awkward grids."""

from __future__ import annotations

import numpy as np
import pytest
from geometries import GEOMETRIES, PLAIN, Geometry, world

from scripts.findings import InputRefused
from scripts.reading.slices import FINEST_MM, UNIFORM_MM, Grid, blend, common_spacing, grid_of, normal_of, spacing_kind

LPS = np.array([-1.0, -1.0, 1.0])


def stack(
    geometry: Geometry, at: np.ndarray | None = None
) -> tuple[np.ndarray, tuple[float, ...], tuple[float, float]]:
    """Positions (S, 3) sorted by height, orientation and pixel spacing of a geometry, as DICOM states them."""
    at = np.arange(geometry.shape[2]) if at is None else at
    positions = np.array([world(geometry.affine, np.array([0, 0, k])) for k in at]) * LPS
    axes = geometry.affine[:3, :3] * LPS[:, None]
    lengths = np.linalg.norm(axes, axis=0)
    orientation = tuple(np.concatenate([axes[:, 0] / lengths[0], axes[:, 1] / lengths[1]]))
    order = np.argsort(positions @ np.cross(orientation[:3], orientation[3:]))
    return positions[order], orientation, (float(lengths[1]), float(lengths[0]))


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: g.name)
def test_affine_is_the_geometrys(geometry: Geometry) -> None:
    grid = grid_of(*stack(geometry), geometry.shape[:2])
    expected = geometry.affine.copy()
    if np.linalg.det(expected[:3, :3] * LPS[:, None]) < 0:  # DICOM counts slices along row x column
        expected[:3, 3] += expected[:3, 2] * (geometry.shape[2] - 1)
        expected[:3, 2] *= -1
    np.testing.assert_allclose(grid.affine, expected, atol=1e-9)
    assert grid.count == geometry.shape[2]
    assert not grid.resample
    assert ("gantry_tilt" in [f.code for f in grid.findings]) == geometry.name.startswith("tilted")


def test_a_tilt_that_no_gantry_has() -> None:
    heights_mm = np.arange(40.0) * 3
    positions = np.stack([np.zeros(40), heights_mm * np.tan(np.radians(50)), heights_mm], axis=1)
    with pytest.raises(InputRefused, match="leans by 50 degrees from their normal, gantries tilt by up to 30") as error:
        grid_of(positions, (1, 0, 0, 0, 1, 0), (1.0, 1.0), (200, 200))
    assert error.value.code == "geometry_invalid"


def test_tilt_is_stated_in_degrees() -> None:
    tilted = next(g for g in GEOMETRIES if g.name == "tilted forward")
    found = grid_of(*stack(tilted), tilted.shape[:2]).findings
    assert "tilted by 18.5 degrees" in found[0].message


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: g.name)
def test_slices_of_two_spacings_lie_where_they_lie(geometry: Geometry) -> None:
    at = np.concatenate([np.arange(0, 12), np.arange(12, geometry.shape[2], 2)])
    positions, orientation, spacing = stack(geometry, at)
    grid = grid_of(positions, orientation, spacing, geometry.shape[:2])
    assert grid.resample
    for height, position in zip(grid.heights_mm, positions * LPS, strict=True):
        node = (height - grid.heights_mm[0]) / grid.spacing_mm
        np.testing.assert_allclose(world(grid.affine, np.array([0, 0, node])), position, atol=1e-6)


def test_slices_further_apart_than_any_head_cts_are_refused() -> None:
    positions, orientation, spacing = stack(PLAIN)
    grid_of(positions * 20 / 3, orientation, spacing, PLAIN.shape[:2])
    with pytest.raises(InputRefused, match=r"The slices are 21 mm apart, which no head CT is\."):
        grid_of(positions * 7, orientation, spacing, PLAIN.shape[:2])


def test_blend_interpolates_at_true_heights() -> None:
    heights = np.array([0.0, 2.0, 4.0, 9.0])
    grid = Grid(np.eye(4), heights, 1.0, 10, True, ())
    for node in range(10):
        below, above, weight = blend(grid, node)
        assert above == below + 1
        assert 0 <= weight <= 1
        assert (1 - weight) * heights[below] + weight * heights[above] == pytest.approx(node)


def test_a_slice_at_a_node_is_taken_as_it_is() -> None:
    grid = Grid(np.eye(4), np.array([0.0, 2.04, 3.92, 6.0]), 2.0, 4, True, ())
    blends = [blend(grid, node) for node in range(4)]
    assert [above if weight else below for below, above, weight in blends] == [0, 1, 2, 3]
    assert all(weight in (0.0, 1.0) for _, _, weight in blends)


def test_blend_does_not_reach_beyond_the_last_slice() -> None:
    grid = Grid(np.eye(4), np.array([0.0, 2.0, 3.95]), 1.0, 5, True, ())
    assert blend(grid, 4) == (1, 2, pytest.approx(1.0))


@pytest.mark.parametrize(
    "orientation", [(0.0,) * 6, (1.0, 0, 0, 0, 0.9, 0), (1.0, 0, 0, 1, 0, 0), (2.0, 0, 0, 0, 2, 0)], ids=str
)
def test_impossible_orientations_are_refused(orientation: tuple[float, ...]) -> None:
    with pytest.raises(InputRefused, match="not two unit vectors at right angles"):
        normal_of(orientation)


def test_too_few_slices_are_refused() -> None:
    with pytest.raises(InputRefused, match="has 14 slices, fewer than 15"):
        grid_of(*stack(PLAIN, np.arange(14)), PLAIN.shape[:2])


@pytest.mark.parametrize(
    ("size", "slices", "message"),
    [
        ((48, 44), 30, "covers 90 mm along the slices, under 100 mm"),
        ((22, 44), 37, "covers 97 mm across the columns"),
        ((48, 21), 37, "covers 97 mm across the rows"),
    ],
)
def test_small_coverage_is_refused(size: tuple[int, int], slices: int, message: str) -> None:
    with pytest.raises(InputRefused, match=message):
        grid_of(*stack(PLAIN, np.arange(slices)), size)


def test_a_slice_beside_the_line_is_refused() -> None:
    positions, orientation, spacing = stack(PLAIN)
    positions[20, 0] += 3.0
    with pytest.raises(InputRefused, match=r"A slice lies 3\.0 mm beside the line"):
        grid_of(positions, orientation, spacing, PLAIN.shape[:2])


def heights_of(gaps: list[float]) -> np.ndarray:
    """Heights of slices with these gaps."""
    return np.concatenate([[0.0], np.cumsum(gaps)])


@pytest.mark.parametrize(
    ("gaps", "kind"),
    [
        ([5.0] * 27, "uniform"),
        ([0.6, 0.7, 0.6, 0.6] * 50, "uniform"),  # 0.625 mm, written with one decimal
        ([2.5] * 16 + [5.0] * 16, "two_spacings"),
        ([5.0] * 20 + [2.5] * 5, "two_spacings"),
        ([4.0] * 13 + [1.08] + [7.0] * 13, "two_spacings"),  # a real GE head: one odd gap where the blocks meet
        ([2.5] * 16 + [3.75] + [5.0] * 16, "two_spacings"),
        ([4.0] * 10 + [5.0] * 10, "two_spacings"),
        ([5.0] * 10 + [6.0] + [5.0] * 10, "uneven"),
        ([4.0, 5.0] * 10, "uneven"),
        ([5.0] * 10 + [1.0] + [5.0] * 10, "uneven"),
    ],
)
def test_kinds(gaps: list[float], kind: str) -> None:
    assert spacing_kind(np.array(gaps)) == kind
    assert spacing_kind(np.array(gaps[::-1])) == kind


@pytest.mark.parametrize(
    "gaps",
    [
        [5.0] * 10 + [10.0] + [5.0] * 10,  # one slice lost
        [5.0] * 10 + [15.0] + [5.0] * 10,  # two lost
        [5.0] * 10 + [10.0, 10.0] + [5.0] * 10,  # two lost, one between
        [5.0] * 19 + [10.0, 10.0],  # the same near the end
        [5.0] * 8 + [10.0] * 4 + [5.0] * 8,  # every other slice lost in the middle: three blocks are no protocol
        [2.5] * 16 + [5.0] * 6 + [10.0] + [5.0] * 6,  # one lost inside a protocol's block
        [2.5] * 16 + [10.0] + [5.0] * 10,  # lost where the blocks meet
    ],
)
def test_missing_slices_are_refused(gaps: list[float]) -> None:
    for order in (gaps, gaps[::-1]):
        with pytest.raises(InputRefused, match=r"Slices are missing: the gap after slice \d+ of \d+ is \d+\.\d\d mm"):
            spacing_kind(np.array(order))


@pytest.mark.parametrize(
    "gaps",
    [
        [2.5] * 16 + [5.0] * 16,
        [2.5] * 16 + [3.75] + [5.0] * 16,
        [4.22] * 13 + [1.14] + [7.38] * 13,
        [3.0] * 20 + [7.0] * 12,
        [1.25] * 20 + [5.0] * 12,
    ],
)
def test_every_slice_of_a_protocol_gets_a_node(gaps: list[float]) -> None:
    heights = heights_of(gaps)
    spacing, count = common_spacing(heights)
    nodes = np.arange(count) * spacing
    nearest = np.abs(heights[:, None] - nodes[None, :]).min(axis=1)
    assert nearest.max() <= UNIFORM_MM
    assert spacing <= min(gaps[0], gaps[-1]) + 1e-9
    assert abs(nodes[-1] - heights[-1]) <= UNIFORM_MM


def test_the_coarsest_grid_that_fits_is_taken() -> None:
    assert common_spacing(heights_of([2.5] * 16 + [5.0] * 16)) == (2.5, 49)


def test_without_a_common_grid_the_finest_allowed_ones_are_tried() -> None:
    rng = np.random.default_rng(0)
    spacing, count = common_spacing(heights_of(list(rng.uniform(2.0, 2.9, 40))))
    assert 0.5 <= spacing <= 2.9
    assert count * spacing >= 2.0 * 40


@pytest.mark.parametrize("seed", range(20))
def test_no_grid_reaches_beyond_the_last_slice_or_ends_before_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for gaps in (rng.uniform(2.0, 2.9, 40), rng.uniform(0.5, 0.7, 200), 2.5 + rng.uniform(-0.15, 0.15, 50)):
        heights = heights_of(list(gaps))
        spacing, count = common_spacing(heights)
        assert abs((count - 1) * spacing - heights[-1]) <= UNIFORM_MM
        assert spacing >= FINEST_MM
