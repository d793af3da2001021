"""Grids, axis orders and interpolation, against slow and obvious ways to do the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from geometries import GEOMETRIES, Geometry, world
from nibabel.orientations import apply_orientation, io_orientation
from numpy.typing import NDArray
from scipy import ndimage

from scripts.geometry.resampling import block_mean, box_grid, reach, resample, to_canonical
from scripts.volume import AIR_HU

TARGET = np.array([[3.0, 0.2, 0, -40], [0, 3.5, 0.3, -35], [0.1, 0, 4, -30], [0, 0, 0, 1]])
SHAPE = (27, 21, 16)


def linear_field(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A linear function of world points (..., 3)."""
    return np.asarray(points @ [0.7, -1.1, 0.4] + 3.0)


def points_of(shape: tuple[int, int, int], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """World points (*shape, 3) of a grid."""
    return world(affine, np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1))


@pytest.mark.parametrize("grid", GEOMETRIES, ids=[grid.name for grid in GEOMETRIES])
def test_a_linear_field_is_resampled_exactly(grid: Geometry) -> None:
    source = torch.from_numpy(linear_field(grid.points()).astype(np.float32))[None]
    both = resample(torch.cat([source, torch.ones_like(source)]), grid.affine, SHAPE, TARGET)
    inside = both[1].numpy() > 0
    assert inside.mean() > 0.5
    expected = linear_field(points_of(SHAPE, TARGET))
    assert np.abs(both[0].numpy() - expected)[inside].max() < 1e-3
    assert (both[0].numpy()[~inside] == 0).all()


def test_half_a_voxel_would_be_seen() -> None:
    grid = GEOMETRIES[0]
    source = torch.from_numpy(linear_field(grid.points()).astype(np.float32))[None]
    moved = grid.affine @ np.array([[1, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0.5], [0, 0, 0, 1]])
    error = resample(source, moved, SHAPE, TARGET)[0].numpy() - linear_field(points_of(SHAPE, TARGET))
    assert np.abs(np.median(error)) > 0.1


@pytest.mark.parametrize(("mode", "order"), [("bilinear", 1), ("nearest", 0)])
def test_any_field_is_resampled_as_scipy_does(mode: str, order: int) -> None:
    source = np.random.default_rng(0).normal(size=(2, 9, 11, 13)).astype(np.float32)
    affine = np.array([[6.1, 0.4, 0, -30], [0, 5.3, 0, -28], [0.3, 0, 4.7, -29], [0, 0, 0, 1]])
    index = np.linalg.inv(affine) @ TARGET
    at = world(index, np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1))
    inside = np.all((at >= 0) & (at <= np.array(source.shape[1:]) - 1), axis=-1)
    found = resample(torch.from_numpy(source), affine, SHAPE, TARGET, mode).numpy()
    for channel in range(2):
        expected = ndimage.map_coordinates(source[channel], np.moveaxis(at, -1, 0), order=order)
        assert np.abs(found[channel] - np.where(inside, expected, 0)).max() < 1e-4


def test_one_slice_has_the_width_of_a_voxel() -> None:
    source = torch.full((1, 1, 5, 5), 7.0)
    target = np.diag([0.2, 1, 1, 1])
    target[0, 3] = -0.85
    found = resample(source, np.eye(4), (10, 5, 5), target)
    assert found[0, :, 2, 2].tolist() == [0, 0, 7, 7, 7, 7, 7, 0, 0, 0]


@pytest.mark.parametrize("grid", GEOMETRIES, ids=[grid.name for grid in GEOMETRIES])
def test_the_canonical_order_is_a_permutation_and_keeps_every_position(grid: Geometry) -> None:
    points = grid.points()
    moved_points = np.stack([to_canonical(points[..., c].astype(np.float32), grid.affine)[0] for c in range(3)], -1)
    volume, affine = to_canonical(points[..., 0].astype(np.float32), grid.affine)
    assert np.abs(points_of(volume.shape, affine) - moved_points).max() < 1e-3
    expected = apply_orientation(points[..., 0], io_orientation(grid.affine))
    assert np.array_equal(volume, expected.astype(np.float32))


def test_two_axis_orders_of_one_volume_give_the_same_bits() -> None:
    grid = GEOMETRIES[0]
    volume = np.random.default_rng(1).normal(size=grid.shape).astype(np.float32)
    flip = np.array([[0, 0, -1.0, grid.shape[0] - 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    other = np.ascontiguousarray(np.moveaxis(volume[::-1], 0, 2))
    one, two = to_canonical(volume, grid.affine), to_canonical(other, grid.affine @ flip)
    assert np.array_equal(one[0], two[0])
    assert one[1].tobytes() == two[1].tobytes()


def test_block_means_against_loops() -> None:
    rng = np.random.default_rng(2)
    volume = rng.normal(size=(7, 6, 4)).astype(np.float32)
    known = rng.random(volume.shape) > 0.3
    affine = np.diag([1.0, 0.7, 2.0, 1.0])
    mean, enough, coarse = block_mean(volume, known, affine, 2.0)
    assert mean.shape == (3, 2, 4)
    for i, j, k in np.ndindex(*mean.shape):
        cells = volume[2 * i : 2 * i + 2, 3 * j : 3 * j + 3, k][known[2 * i : 2 * i + 2, 3 * j : 3 * j + 3, k]]
        assert enough[i, j, k] == (cells.size >= 3)
        assert mean[i, j, k] == pytest.approx(cells.mean() if cells.size >= 3 else AIR_HU, abs=1e-5)
    assert np.allclose(coarse @ [1, 1, 1, 1], affine @ [2.5, 4, 1, 1])


def test_the_box_holds_every_voxel_centre() -> None:
    for grid in GEOMETRIES:
        shape, affine = box_grid(grid.shape, grid.affine, 2.0)
        index = world(np.linalg.inv(affine), grid.points())
        assert index.min() > -1e-6
        assert (index.max(axis=(0, 1, 2)) < np.array(shape) - 1 + 1e-6).all()
        assert (index.min(axis=(0, 1, 2)) < 0.5 + 1e-6).all()


def test_a_singular_affine_is_refused() -> None:
    with pytest.raises(ValueError, match="singular"):
        to_canonical(np.zeros((2, 2, 2), np.float32), np.diag([1.0, 1.0, 0.0, 1.0]))


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("grid", GEOMETRIES, ids=[grid.name for grid in GEOMETRIES])
def test_what_a_box_reaches_is_all_that_is_not_0(grid: Geometry, mode: str) -> None:
    source = torch.zeros((1, *grid.shape))
    box = tuple(slice(n // 3, max(n // 3 + 1, n - n // 4)) for n in grid.shape)
    source[:, *box] = torch.from_numpy(np.random.default_rng(0).normal(size=source[:, *box].shape).astype(np.float32))
    whole = resample(source, grid.affine, SHAPE, TARGET, mode)
    there = reach(box, grid.affine, SHAPE, TARGET)
    assert torch.equal(resample(source, grid.affine, SHAPE, TARGET, mode, there), whole)
    assert whole.any()
    assert np.prod([part.stop - part.start for part in there]) <= np.prod(SHAPE)


@pytest.mark.parametrize("grid", GEOMETRIES[:4], ids=str)
def test_what_is_reached_is_what_ones_reach(grid: Geometry) -> None:
    shape, affine = box_grid(grid.shape, grid.affine, 3.0)
    affine = affine @ np.diag([1.1, 1.1, 1.1, 1.0])
    reached = torch.zeros(shape, dtype=torch.bool)
    ones = resample(torch.ones((1, *grid.shape)), grid.affine, shape, affine, reached=reached)
    assert torch.equal(ones[0] > 0.999, reached)
    assert 0 < int(reached.sum()) < reached.numel()


def test_a_box_that_lies_elsewhere_reaches_nothing() -> None:
    affine = np.eye(4)
    affine[:3, 3] = 500
    there = reach((slice(0, 4),) * 3, affine, SHAPE, TARGET)
    assert 0 in [part.stop - part.start for part in there]
    assert not resample(torch.ones(1, 4, 4, 4), affine, SHAPE, TARGET, within=there).any()
