"""Affine transforms of points, as 4x4 matrices, and grids whose axes are or aren't at right angles.

A *sheared* grid is one whose axes are not at right angles, as that of slices under gantry tilt. NIfTI's qform can't
hold it, and ITK, with what is built on it, refuses to open it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ORTHOGONAL_TOLERANCE = 1e-4
"""Cosine between two axes of a grid up to which it counts as unsheared."""

ON_NODE = 1e-6
"""A part of a voxel that is rounding."""

Shape = tuple[int, int, int]


def transform_points(matrix: NDArray[np.floating[Any]], points: NDArray[Any]) -> NDArray[np.float64]:
    """Points (..., 3) moved by a 4x4 matrix."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def is_sheared(affine: NDArray[np.floating[Any]]) -> bool:
    """True if the axes of a grid are not at right angles."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() > ORTHOGONAL_TOLERANCE)


def orthogonal_grid(shape: Shape, affine: NDArray[np.float64]) -> tuple[Shape, NDArray[np.float64]]:
    """Shape and affine (4, 4) of an orthogonal grid that holds all voxel centres of a sheared one, as finely spaced.

    The two axes closest to a right angle span the *slices*, which stay where they are; each is as far from the next as
    before. Voxel (0, 0, 0) of the sheared grid lies on a voxel of this one, and the axes keep their order and sense.
    """
    axes = affine[:3, :3]
    unit = axes / np.linalg.norm(axes, axis=0)
    pairs = ((0, 1, 2), (0, 2, 1), (1, 2, 0))
    order = min(pairs, key=lambda pair: abs(float(unit[:, pair[0]] @ unit[:, pair[1]])))
    directions, steps = np.linalg.qr(axes[:, order])
    upright = np.eye(4)
    upright[:3, list(order)] = directions * np.diag(steps)  # the sign of each step turns its direction the old way
    upright[:3, 3] = affine[:3, 3]
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij"), -1).reshape(-1, 3)
    index = transform_points(np.linalg.inv(upright) @ affine, corners)
    low = np.floor(index.min(axis=0) + ON_NODE)
    count = np.ceil(index.max(axis=0) - ON_NODE) - low + 1
    upright[:3, 3] += upright[:3, :3] @ low
    return (int(count[0]), int(count[1]), int(count[2])), upright
