"""One table of awkward grids, shared by the tests: oblique, flipped, permuted, anisotropic, tilted, odd sizes.

Every grid has its middle near the world's origin, at least 15 voxels and 100 mm along each axis, and another number of
voxels along each axis, so that a swap of two axes can't pass unseen. The first two axes are at right angles, as a DICOM
image needs; the third is sheared in the tilted ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """A grid: `shape` (I, J, K) and `affine` (4, 4) to RAS mm."""

    name: str
    shape: tuple[int, int, int]
    affine: Array

    def points(self, at: Array | None = None) -> Array:
        """World points (I, J, K, 3) of the voxel centres; `at` gives other slice indices, whole or not."""
        slices = np.arange(self.shape[2]) if at is None else np.asarray(at)
        grid = np.meshgrid(np.arange(self.shape[0]), np.arange(self.shape[1]), slices, indexing="ij")
        return world(self.affine, np.stack(grid, axis=-1))


def world(affine: Array, indices: Array) -> Array:
    """World points (..., 3) of voxel indices (..., 3)."""
    return np.asarray(indices @ affine[:3, :3].T + affine[:3, 3])


def geometry(
    name: str, axes: Array, voxel_mm: tuple[float, float, float], shape: tuple[int, int, int], shift_mm: float = 2.3
) -> Geometry:
    """A grid along the columns of `axes`, its middle `shift_mm` off the origin along each world axis."""
    affine = np.eye(4)
    affine[:3, :3] = axes * np.array(voxel_mm)
    affine[:3, 3] = shift_mm - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Geometry(name, shape, affine)


def rotation(x_degrees: float, y_degrees: float, z_degrees: float) -> Array:
    """Rotation matrix Rz Ry Rx."""
    x, y, z = np.radians([x_degrees, y_degrees, z_degrees])
    rx = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rz = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.asarray(rz @ ry @ rx)


def rigid(angles_deg: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> Array:
    """A rigid matrix (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(*angles_deg)
    matrix[:3, 3] = shift_mm
    return matrix


def braincase(affine: Array, shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Mask of the inside of the analytic head's skull on a grid."""
    points = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) @ affine[:3, :3].T + affine[:3, 3]
    return np.asarray(((points / [67, 85, 73]) ** 2).sum(-1) < 1)


def tilted(degrees: float) -> Array:
    """Axes of a scan with gantry tilt: slices lean about the x axis, the table still moves along z."""
    axes = rotation(degrees, 0, 0) @ np.diag([-1.0, -1.0, 1.0])
    axes[:, 2] = [0, 0, 1 / np.cos(np.radians(degrees))]
    return axes


LPS = np.diag([-1.0, -1.0, 1.0])
PLAIN = geometry("plain", LPS, (4.4, 4.6, 3.0), (48, 44, 37))
THIN = geometry("thin", LPS, (4.4, 4.6, 1.25), (40, 43, 85))

AXIS_ORDERS: tuple[Geometry, ...] = (
    geometry("RAS", np.eye(3), (4.4, 4.6, 3.0), (48, 44, 37)),
    geometry("LPS", LPS, (4.4, 4.6, 3.0), (48, 44, 37)),
    geometry("LAS", np.diag([-1.0, 1.0, 1.0]), (4.4, 4.6, 3.0), (48, 44, 37)),
    geometry("RPI", np.diag([1.0, -1.0, -1.0]), (4.4, 4.6, 3.0), (48, 44, 37)),
    geometry("ARS", np.eye(3)[:, [1, 0, 2]], (4.4, 4.6, 3.0), (48, 44, 37)),
    geometry("PLI", -np.eye(3)[:, [1, 0, 2]], (4.4, 4.6, 3.0), (48, 44, 37)),
    geometry("coronal", np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]]), (4.4, 4.6, 3.0), (48, 44, 57)),
    geometry("sagittal", np.array([[0.0, 0, -1], [-1, 0, 0], [0, -1, 0]]), (4.4, 4.6, 3.0), (48, 44, 57)),
)
"""Eight orders and flips of the axes."""

GEOMETRIES: tuple[Geometry, ...] = (
    *AXIS_ORDERS,
    geometry("oblique", rotation(12, -8, 15) @ LPS, (4.4, 4.6, 3.0), (48, 44, 41)),
    geometry("odd sizes", LPS, (4.5, 4.9, 3.1), (47, 45, 39)),
    geometry("anisotropic", LPS, (2.1, 4.2, 7.0), (90, 45, 19)),
    geometry("tilted forward", tilted(18.5), (4.4, 4.6, 3.0), (48, 44, 41)),
    geometry("tilted back", tilted(-25), (4.4, 4.6, 3.0), (48, 44, 41)),
    geometry("rolled", rotation(0, 0, -30) @ LPS, (4.4, 4.6, 3.0), (52, 50, 37)),
)
"""All of the grids."""
