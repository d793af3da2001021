"""A brain of one grey value with a ball in it, on a grid of its own, and the place of a map that covers the ball."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from poses import pose

from scripts.anomaly.detections.lesion import Scan
from scripts.anomaly.detections.places import Place
from scripts.geometry.affines import transform_points
from scripts.geometry.coordinates import grid_affine

AFFINE = np.diag([1.5, 1.5, 3.0, 1.0])
AFFINE[:3, 3] = (-95, -90, -75)
MATRIX = pose((8, -4, 6), (3, -5, 2))
TISSUE_HU, NOISE_HU = 32, 5

Array = NDArray[np.float64]


def reference_mm(shape: tuple[int, ...], affine: Array = AFFINE) -> Array:
    """Reference mm (*shape, 3) of the voxels of a scan."""
    voxels = np.moveaxis(np.indices(shape), 0, -1).reshape(-1, 3)
    return np.asarray(transform_points(MATRIX @ affine, voxels).reshape(*shape, 3))


def brain_scan(*balls: tuple[tuple[float, float, float], float, float], affine: Array = AFFINE) -> Scan:
    """A noisy scan with balls: centre and radius in reference mm, and HU; bone around an ellipsoid of 60 to 70 mm."""
    shape = (128, 128, 56)
    at = reference_mm(shape, affine)
    depth = np.linalg.norm(at / (60, 70, 60), axis=-1)
    hu = np.select([depth < 1, depth < 1.1], [TISSUE_HU, 1000], -1000).astype(np.float32)
    for centre, radius, value in balls:
        hu[(np.linalg.norm(at - centre, axis=-1) < radius) & (depth < 1)] = value
    hu += np.random.default_rng(1).normal(0, NOISE_HU, shape)
    axes = np.ogrid[(slice(-127.5, 128, 1),) * 3]
    inside = sum((axis / radius) ** 2 for axis, radius in zip(axes, (59, 69, 59), strict=True)) < 1
    regions = np.where(inside, np.where(np.arange(256) < 128, 1, 2)[:, None, None], 0).astype(np.uint8)
    return Scan(hu.round().astype(np.int16), affine, MATRIX, regions)


def place_around(centre: tuple[float, float, float], radius: float, stride: int = 2, peak: float = 9.0) -> Place:
    """The place of a map that falls from its peak in the middle to its border, reference mm."""
    start = np.round((np.array(centre) + 127.5 - radius) / stride).astype(int) - 1
    voxels = (np.argwhere(np.ones((int(2 * radius / stride) + 4,) * 3)) + start) * stride
    distance = np.linalg.norm(transform_points(grid_affine(), voxels) - centre, axis=-1)
    inside = distance < radius
    values = (peak - 4 * distance[inside] / radius).astype(np.float32)
    middle = voxels[inside][values.argmax()]
    return Place(voxels[inside], values, middle, {"position": 2.0, "density": 5.0}, stride)
