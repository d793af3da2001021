"""Flat images through a volume, at true millimetres, turned as a radiologist expects them.

A *plane* is a grid of pixels in world space (RAS mm): the centre of its top left pixel, and the two steps, in mm, to
the next pixel on the right and to the next one below. It knows nothing of the voxel grid; sampling a volume on it goes
through the inverse of the volume's affine, p_voxel = A^-1 p_world, so flipped, permuted, anisotropic and sheared grids
all look right.

Radiological convention: axial planes are seen from the feet, coronal ones from the front, so the patient's right is on
the image's left; sagittal ones are seen from the patient's left, the face on the image's left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.affines import transform_points

Array = NDArray[np.floating[Any]]

RIGHT, ANTERIOR, SUPERIOR = np.eye(3)
"""Unit vectors of world space."""

TURNS = {
    "axial": (-RIGHT, -ANTERIOR, "RLAP"),
    "coronal": (-RIGHT, -SUPERIOR, "RLSI"),
    "sagittal": (-ANTERIOR, -SUPERIOR, "APSI"),
}
"""For each kind of plane: the world directions of image right and down, and the letters left, right, top, bottom."""

HEAD_HU = -300.0
"""HU above which a voxel belongs to the head (or its table)."""

COARSE_MM = 4.0
"""Spacing at which the extent of the head is looked for."""


@dataclass(frozen=True)
class Plane:
    """A square image of `size` x `size` pixels: the vectors (3,) are in RAS mm."""

    kind: str
    letters: str
    size: int
    corner_mm: Array
    right_mm: Array
    down_mm: Array

    def points_mm(self) -> Array:
        """World position of every pixel's centre (size, size, 3), by row and column."""
        row, column = np.mgrid[: self.size, : self.size][..., None]
        return np.asarray(self.corner_mm + row * self.down_mm + column * self.right_mm)

    def pixel(self, point_mm: Array) -> tuple[float, float]:
        """Row and column at which a world point (3,) appears."""
        offset = np.asarray(point_mm) - self.corner_mm
        row, column = (float(offset @ step / (step @ step)) for step in (self.down_mm, self.right_mm))
        return row, column


def plane_through(kind: str, point_mm: Array, centre_mm: Array, side_mm: float, size: int) -> Plane:
    """The axial, coronal or sagittal plane through a point, showing `side_mm` around a centre on `size` pixels."""
    right, down, letters = TURNS[kind]
    step = side_mm / size
    normal = np.cross(right, down)
    middle = np.asarray(centre_mm) + normal * (normal @ (np.asarray(point_mm) - centre_mm))
    corner = middle - (right + down) * step * (size - 1) / 2
    return Plane(kind, letters, size, corner, right * step, down * step)


def sample(volume: NDArray[Any], affine: Array, plane: Plane, outside: float, order: int = 1) -> Array:
    """A volume (I, J, K) on a plane (size, size): linear, or nearest for order 0; `outside` beyond its voxels."""
    inverse = np.linalg.inv(affine)
    voxel = np.moveaxis(transform_points(inverse, plane.points_mm()), -1, 0)
    limits = np.reshape(volume.shape, (3, 1, 1)) - 0.5
    inside = ((voxel >= -0.5) & (voxel < limits)).all(axis=0)
    values = ndimage.map_coordinates(volume, voxel, output=np.float64, order=order, mode="nearest")
    return np.where(inside, values, outside)


def peak_mm(heatmap: NDArray[Any], affine: Array, regions: NDArray[Any] | None = None) -> Array:
    """World position (3,) of the highest voxel of a heatmap (I, J, K), inside the regions (label not 0) if given.

    The first one in memory order among equals.
    """
    values = heatmap.ravel()
    places = None if regions is None else np.flatnonzero(regions > 0)
    highest = int(np.argmax(values)) if places is None or not len(places) else int(places[np.argmax(values[places])])
    index = np.unravel_index(highest, heatmap.shape)
    return np.asarray(affine[:3, :3] @ np.array(index, dtype=float) + affine[:3, 3])


def head_box_mm(volume_hu: NDArray[Any], affine: Array) -> Array:
    """Lowest and highest world coordinates (2, 3) of the largest piece of a volume that isn't air.

    It is looked for on a coarse grid in world space, so the order in which voxels are stored makes no difference.
    A volume without any such voxel gives the box of the whole grid.
    """
    inverse = np.linalg.inv(affine)
    low, high = grid_box_mm(volume_hu.shape, affine)
    axes = [
        np.arange(np.floor(a / COARSE_MM), np.ceil(b / COARSE_MM) + 1) * COARSE_MM
        for a, b in zip(low, high, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"))
    voxels = np.tensordot(inverse[:3, :3], points, 1) + inverse[:3, 3, None, None, None]
    coarse = ndimage.map_coordinates(volume_hu, voxels, output=np.float32, order=0, mode="constant", cval=-1000.0)
    labels, count = ndimage.label(coarse > HEAD_HU)
    if not count:
        return np.stack([low, high])
    head = points[:, labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])]
    return np.stack([head.min(axis=1), head.max(axis=1)])


def grid_box_mm(shape: tuple[int, ...], affine: Array) -> Array:
    """Lowest and highest world coordinates (2, 3) of the voxel centres of a grid."""
    corners = np.indices((2, 2, 2)).reshape(3, -1).T * (np.array(shape) - 1)
    points = transform_points(affine, corners)
    return np.stack([points.min(axis=0), points.max(axis=0)])
