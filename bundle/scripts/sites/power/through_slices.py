"""Takes a change in a head through the slices of a scanner, and back to the 1 mm of the pipeline.

A lesion is drawn on the reference grid. The scan shows the head through its slices: each is the mean over its
thickness, a little blurred in the plane, and registration interpolates between them. A *change* (HU to add) is taken
the same way: sampled on the scan's own slices, averaged over their thickness, and interpolated back with the scan's own
pose. So its edges are as soft as those of the scan, along the same oblique directions. The thickness of a slice is
taken to be the distance of the slices. In the plane every pixel is as large as `PIXEL_MM` or a little larger: both
linear interpolations blur by a standard deviation of about 0.55 mm together, which is a point spread that head scans
have.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ...geometry.boxes import Box
from ...geometry.coordinates import grid_affine
from ...geometry.resampling import Shape, reach, resample

PIXEL_MM = 0.9
"""Least pixel size of the slices on the way."""

SUBSLICE_MM = 1.25
"""Slices thicker than this are means over several samples."""

Array = NDArray[np.float64]
Volume = NDArray[np.float32]


def through_slices(change: Volume, box: Box, shape: tuple[int, ...], affine: Array, matrix: Array) -> Volume:
    """A change (i, j, k) of a block of the reference grid as the scan's slices would show it, on the same block.

    Args:
        change: HU to add.
        box: its block of the reference grid.
        shape: (I, J, K) of the scan on its own grid.
        affine: (4, 4) of that grid, scan mm.
        matrix: (4, 4), registration: scan mm to reference mm.
    """
    if not change.any():
        return np.zeros_like(change)
    here = grid_affine() @ _shift([part.start for part in box])
    slices, coarse = coarser(shape, matrix @ affine)
    whole = tuple(slice(0, size) for size in change.shape)
    there = reach(whole, here, slices, coarse)
    size = tuple(part.stop - part.start for part in there)
    start = coarse @ _shift([part.start for part in there])
    source = torch.from_numpy(np.ascontiguousarray(change, dtype=np.float32))[None]
    axis = _thick_axis(coarse)
    parts = max(1, round(float(np.linalg.norm(coarse[:3, axis])) / SUBSLICE_MM))
    total = torch.zeros((1, *size))
    for part in range(parts):
        within = np.zeros(3)
        within[axis] = (part + 0.5) / parts - 0.5
        total += resample(source, here, (size[0], size[1], size[2]), start @ _shift(within))
    grid: Shape = (change.shape[0], change.shape[1], change.shape[2])
    return np.asarray(resample(total / parts, start, grid, here)[0].numpy(), dtype=np.float32)


def coarser(shape: tuple[int, ...], affine: Array) -> tuple[Shape, Array]:
    """Shape and affine of every n-th pixel of a grid, with n so that pixels are near `PIXEL_MM`."""
    steps = [max(1, int(PIXEL_MM / mm + 0.5)) for mm in np.linalg.norm(affine[:3, :3], axis=0)]
    sizes = [-(-size // step) for size, step in zip(shape, steps, strict=True)]
    return (sizes[0], sizes[1], sizes[2]), affine @ np.diag([*map(float, steps), 1.0])


def _thick_axis(affine: Array) -> int:
    """The axis along which voxels are longest: that of the slices."""
    return int(np.argmax(np.linalg.norm(affine[:3, :3], axis=0)))


def _shift(voxels: NDArray[np.floating] | list[int]) -> Array:
    """The affine (4, 4) that moves by voxels (3,)."""
    moved = np.eye(4)
    moved[:3, 3] = voxels
    return moved
