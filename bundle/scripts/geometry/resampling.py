"""Moving a volume from one grid to another.

A *grid* is a shape (I, J, K) and an affine (voxel indices to world mm, RAS). A *known* voxel is one that the scanner
measured; the others (outside the field of view) are lower than `volume.KNOWN_FROM_HU` and have no value. Every function
here works in voxel indices of the source: index = inv(source affine) @ target affine @ target index, so integer
indices are voxel centres on both sides and there is no half voxel between two conventions.

Interpolation runs slab by slab, which bounds the memory to a few ten MB beside the source and the result, and each
output voxel is computed on its own, so the number of threads can't change a bit of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..volume import AIR_HU
from .affines import transform_points
from .boxes import Box

SLAB_VOXELS = 2**20
"""Target voxels interpolated at a time: about 40 MB of coordinates."""

BORDER_VOXELS = 1e-3
"""A point so far beyond the outermost voxel centre still counts as on it: rounding of the affines."""

AFFINE_QUANTUM = 2.0**-24
"""Affines are rounded to multiples of this (6e-8 mm), so that reordering axes and back gives the same bits."""

Shape = tuple[int, int, int]


def orientation(affine: NDArray[np.float64]) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """Axis order and the axes to flip afterwards that bring a volume's axes closest to +R, +A, +S.

    Of the 6 axis orders the one with the largest product of the direction cosines' absolute values wins.

    Raises:
        ValueError: the affine is singular.
    """
    axes = affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    if not np.all(np.isfinite(affine)) or abs(np.linalg.det(axes)) < 1e-9:
        raise ValueError(f"the affine of the volume is singular: {affine.tolist()}. Check its spacing and orientation.")
    cosines = axes / lengths
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    order = max(orders, key=lambda axis: float(np.prod([abs(cosines[row, axis[row]]) for row in range(3)])))
    return order, tuple(row for row in range(3) if cosines[row, order[row]] < 0)


def to_canonical(
    volume: NDArray[np.float32], affine: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The same volume (I, J, K) with its axes closest to +R, +A, +S, by permuting and flipping, and its affine."""
    order, flips = orientation(affine)
    moved = np.ascontiguousarray(np.flip(np.transpose(volume, order), flips))
    canonical = affine[:, [*order, 3]].copy()
    for axis in flips:
        canonical[:3, 3] += canonical[:3, axis] * (moved.shape[axis] - 1)
        canonical[:3, axis] *= -1
    return moved, np.round(canonical / AFFINE_QUANTUM) * AFFINE_QUANTUM + 0.0


def block_mean(
    volume: NDArray[np.float32], known: NDArray[np.bool_], affine: NDArray[np.float64], spacing_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float64]]:
    """Mean over blocks of voxels that are about `spacing_mm` wide: the anti-aliased, coarser volume.

    A block is known where at least half of its voxels are; unknown voxels don't enter its mean. What is left over at
    the far end of an axis is dropped.

    Returns:
        The volume (air where unknown), the known mask and the affine of the block centres.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    block = [min(max(1, int(spacing_mm / s + 0.5)), n) for s, n in zip(spacing, volume.shape, strict=True)]
    weights = _block_sum(known.astype(np.float32), block)
    total = _block_sum(np.where(known, volume, np.float32(0)), block)
    enough = weights * 2 >= np.prod(block)
    mean = np.where(enough, total / np.maximum(weights, 1), np.float32(AIR_HU)).astype(np.float32)
    coarse = affine @ np.diag([*map(float, block), 1.0])
    coarse[:3, 3] = (affine @ [*((b - 1) / 2 for b in block), 1.0])[:3]
    return mean, enough, coarse


def _block_sum(volume: NDArray[np.float32], block: Sequence[int]) -> NDArray[np.float32]:
    """Sums over whole blocks, axis by axis, last axis first."""
    for axis in (2, 1, 0):
        if block[axis] > 1:
            count = volume.shape[axis] // block[axis]
            trimmed = np.take(volume, range(count * block[axis]), axis) if volume.shape[axis] % block[axis] else volume
            shape = (*volume.shape[:axis], count, block[axis], *volume.shape[axis + 1 :])
            volume = trimmed.reshape(shape).sum(axis=axis + 1, dtype=np.float32)
    return volume


def box_grid(shape: Shape, affine: NDArray[np.float64], spacing_mm: float) -> tuple[Shape, NDArray[np.float64]]:
    """The world-aligned grid of `spacing_mm` voxels that just holds all voxel centres of another grid."""
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij"), -1).reshape(-1, 3)
    world = transform_points(affine, corners)
    low, high = world.min(0), world.max(0)
    count = np.ceil((high - low) / spacing_mm - 1e-6).astype(int) + 1
    target = np.diag([spacing_mm] * 3 + [1.0])
    target[:3, 3] = (low + high - (count - 1) * spacing_mm) / 2
    return (int(count[0]), int(count[1]), int(count[2])), target


def reach(box: Box, source_affine: NDArray[np.float64], shape: Shape, affine: NDArray[np.float64]) -> Box:
    """The box of a grid's voxels that holds all whose interpolated value can depend on a box of the source's voxels.

    Args:
        box: of the source's voxels; not empty.
        source_affine: affine (4, 4) of the source, world mm.
        shape: of the target grid.
        affine: of the target grid, world mm.
    """
    ends = np.array([(part.start - 1, part.stop) for part in box], dtype=np.float64)
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), -1).reshape(-1, 3)
    to_target = np.linalg.inv(affine) @ source_affine
    index = transform_points(to_target, corners)
    low, high = np.floor(index.min(0)).astype(int), np.ceil(index.max(0)).astype(int) + 1
    low, high = np.clip(low, 0, shape), np.clip(high, 0, shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def resample(
    source: Tensor,
    source_affine: NDArray[np.float64],
    shape: Shape,
    affine: NDArray[np.float64],
    mode: str = "bilinear",
    within: Box | None = None,
    reached: Tensor | None = None,
) -> Tensor:
    """Interpolate `source` (C, I, J, K) at the voxels of another grid: (C, *shape), 0 outside the source.

    A target voxel is outside when it lies beyond the outermost voxel centres of the source. An axis of one voxel has no
    width: what lies within half a voxel of it takes its value.

    Args:
        source: float32 values.
        source_affine: affine (4, 4) of the source, world mm.
        shape: of the target grid.
        affine: of the target grid, world mm.
        mode: "bilinear" (linear in three dimensions) or "nearest".
        within: the box of the target grid to interpolate, see `reach`; 0 beyond it.
        reached: a mask (*shape) to fill, False everywhere: it becomes True at the voxels that are not outside.
    """
    size = np.array(source.shape[1:], dtype=np.float64)
    scale = 2 / np.maximum(size - 1, 1)
    to_source = np.linalg.inv(source_affine) @ affine
    columns = to_source[:3] * scale[:, None]
    columns[:, 3] -= np.where(size > 1, 1, 0)
    limit = torch.from_numpy(np.where(size > 1, 1 + BORDER_VOXELS * scale, 1)[::-1].astype(np.float32))
    result = torch.zeros((source.shape[0], *shape), dtype=source.dtype)
    first, second, third = within or tuple(slice(0, n) for n in shape)
    planes = max(1, SLAB_VOXELS // max(1, (second.stop - second.start) * (third.stop - third.start)))
    for start in range(first.start, first.stop, planes):
        slab = (slice(start, min(start + planes, first.stop)), second, third)
        points = _normal_points(columns, slab)
        close = points.abs() <= limit
        inside = close[..., 0] & close[..., 1] & close[..., 2]
        values = functional.grid_sample(source[None], points[None], mode, padding_mode="border", align_corners=True)
        result[:, *slab] = values[0].mul_(inside)
        if reached is not None:
            reached[slab] = inside
    return result


def _normal_points(columns: NDArray[np.float64], box: Box) -> Tensor:
    """Source coordinates (I, J, K, 3) in [-1, 1] of a box of the target grid, last axis first, summed in float64."""
    first, second, third = (
        torch.from_numpy(np.arange(part.start, part.stop)[:, None] * columns[::-1, axis])
        for axis, part in enumerate(box)
    )
    lines = first[:, None] + second + torch.from_numpy(columns[::-1, 3].copy())
    points = torch.empty((*lines.shape[:2], len(third), 3))
    return torch.add(lines[:, :, None], third, out=points)
