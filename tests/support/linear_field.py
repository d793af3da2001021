"""A linear field of reference space as a scan, which interpolation has to bring back exactly."""

from __future__ import annotations

import numpy as np
import torch
from geometries import GEOMETRIES, Geometry, rotation, world
from monai.data import MetaTensor
from numpy.typing import NDArray

MATRIX = np.eye(4)
MATRIX[:3, :3] = rotation(9, -6, 12)
MATRIX[:3, 3] = 4, -7, 3
OBLIQUE = next(grid for grid in GEOMETRIES if grid.name == "tilted forward")


def field(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """A linear function of reference points (..., 3), HU that are all above the mark for unknown."""
    return np.asarray(points @ [1.3, -0.8, 2.1] + 40.0, dtype=np.float32)


def reference_points(stride: int = 1) -> NDArray[np.float64]:
    """Points of the reference grid, every `stride`-th."""
    index = np.stack(np.meshgrid(*[np.arange(0, 256, stride)] * 3, indexing="ij"), -1)
    return index - 127.5


def reference_field(stride: int = 1) -> NDArray[np.float32]:
    """The field at `reference_points`, without these, which take 400 MB."""
    x, y, z = np.ogrid[tuple(slice(0, 256, stride) for _ in range(3))]
    return np.asarray(1.3 * (x - 127.5) - 0.8 * (y - 127.5) + 2.1 * (z - 127.5) + 40.0, dtype=np.float32)


def scan_of(grid: Geometry) -> MetaTensor:
    """The linear field of reference space as a scan on a native grid."""
    volume = field(world(MATRIX, grid.points()))
    meta = {"findings": [{"code": "gantry_tilt", "severity": "flag", "message": "tilted"}], "filename_or_obj": "x"}
    return MetaTensor(torch.from_numpy(volume)[None], affine=torch.from_numpy(grid.affine), meta=meta)
