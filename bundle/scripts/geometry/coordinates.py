"""Spaces, positions and the error map.

*World* coordinates are RAS millimetres (x to the patient's right, y to anterior, z to superior), as in NIfTI; an
*affine* is the 4x4 matrix from voxel indices (i, j, k) to world coordinates. *Native space* is the grid of the scan as
it was read. *Reference space* is the grid that every head is registered to: 256 voxels of 1 mm a side, axes along +R,
+A and +S, the head's mid-sagittal plane at x = 0, exactly between voxels 127 and 128, so that mirroring a head is
flipping the first axis. Along x, with the mid-plane at the bar:

    voxel index     0       1       2    ...   126    127  |  128    129   ...   254    255
    x, mm        -127.5  -126.5  -125.5        -1.5   -0.5 |  0.5    1.5         126.5  127.5
    position        0     1/255   2/255                    |                    254/255   1
    stride 2        0               1           63         |   64                127

The last row is the index on the grid that keeps every second voxel: its origin does not move.

A *position* x is a voxel index of the reference grid divided by N - 1, hence in [0, 1]^3 (Bieder et al., MIDL 2022).
The *error map* is E = ||x_predicted - x||; in millimetres it is E * (N - 1) * spacing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # commands that only read coordinates start without torch
    from torch import Tensor

REFERENCE_SIZE = 256
"""Voxels along each side of the reference grid (N)."""

REFERENCE_SPACING_MM = 1.0
"""Voxel size of the reference grid."""

POSITION_SCALE_MM = (REFERENCE_SIZE - 1) * REFERENCE_SPACING_MM
"""Millimetres that one unit of position spans."""


def grid_affine(stride: int = 1) -> NDArray[np.float64]:
    """Affine (4, 4) of the reference grid, or of the grid that keeps every `stride`-th voxel of it.

    Voxel k of the strided grid sits at voxel k * stride of the reference grid: the origin does not move.
    """
    affine = np.diag([REFERENCE_SPACING_MM * stride] * 3 + [1.0])
    affine[:3, 3] = -(REFERENCE_SIZE - 1) / 2 * REFERENCE_SPACING_MM
    return affine


def _line(count: int, stride: int, start: int = 0) -> Tensor:
    """Positions (count,) along one axis, normalised."""
    import torch

    return (start + stride * torch.arange(count, dtype=torch.float32)) / (REFERENCE_SIZE - 1)


def positions(shape: tuple[int, int, int], stride: int = 1, origin: tuple[int, int, int] = (0, 0, 0)) -> Tensor:
    """Positions (3, *shape) of the voxels origin + stride * (i, j, k) of the reference grid, normalised to [0, 1]."""
    import torch

    axes = [_line(count, stride, start) for start, count in zip(origin, shape, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def error_map(predicted: Tensor, stride: int = 1) -> Tensor:
    """Error map E (B, 1, *spatial) of predicted positions (B, 3, *spatial) on the strided reference grid, normalised.

    Raises:
        ValueError: `predicted` is not (B, 3, D, H, W).
    """
    if predicted.ndim != 5 or predicted.shape[1] != 3:
        raise ValueError(f"predicted positions must be (B, 3, D, H, W), got {tuple(predicted.shape)}")
    squared = predicted.new_zeros(predicted[:, :1].shape)
    for axis in range(3):
        line = _line(predicted.shape[2 + axis], stride).to(predicted)
        along = line.reshape([-1 if other == axis else 1 for other in range(3)])
        squared += (predicted[:, axis : axis + 1] - along).square_()
    return squared.sqrt_()


CENTRE_MM = (0.0, -8.0, 12.0)
"""Position of the mean of the centroids: the vertex is then some 24 mm below the top of the grid, the nose inside."""
