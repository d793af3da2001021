"""HU of a scan along rays that are given in reference space, in the scan's own voxels.

A *view* is a scan with the matrix from reference mm to its voxels, and a coarse mask of the head, without table and
head rest. Voxels below `volume.KNOWN_FROM_HU` are outside the field of view.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.affines import transform_points
from ..preprocessing.foreground import WORKING_MM, head_foreground
from ..volume import KNOWN_FROM_HU
from .directions import Array

CHUNK = 400_000
"""Points sampled at a time: about 20 MB."""


@dataclass(frozen=True, eq=False)
class View:
    """A scan seen from reference space.

    Attributes:
        hu: (I, J, K), HU.
        to_voxel: (4, 4), reference mm to voxel.
        head: mask of the head on every `step`-th voxel.
        step: (3,) voxels.
    """

    hu: NDArray[Any]
    to_voxel: Array
    head: NDArray[np.bool_]
    step: NDArray[np.int64]


def view(hu: NDArray[Any], affine: Array, matrix: Array) -> View:
    """The view of a scan (I, J, K) in HU with its affine and its registration, scan mm to reference mm."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    step = np.maximum(np.rint(WORKING_MM / spacing), 1).astype(np.int64)
    coarse = hu[tuple(slice(None, None, n) for n in step)].astype(np.float32)
    head = head_foreground(coarse, (spacing * step).tolist())
    to_voxel: Array = np.linalg.inv(matrix @ affine).astype(np.float64)
    return View(hu, to_voxel, head, step)


class Samples(NamedTuple):
    """HU (n,), and whether each point (n,) is in the field of view, and in the head."""

    hu: NDArray[np.float32]
    known: NDArray[np.bool_]
    head: NDArray[np.bool_]

    def rows(self, count: int) -> Samples:
        """The same of `count` rays, (count, n / count)."""
        return Samples(*(values.reshape(count, -1) for values in self))  # type: ignore[arg-type]


def sampled(seen: View, points_mm: Array) -> Samples:
    """HU (n,) at reference points (n, 3), linearly, and where these are."""
    hu = np.empty(len(points_mm), dtype=np.float32)
    known, head = np.empty((2, len(points_mm)), dtype=bool)
    for first in range(0, len(points_mm), CHUNK):
        part = slice(first, first + CHUNK)
        index = transform_points(seen.to_voxel, points_mm[part])
        hu[part] = ndimage.map_coordinates(seen.hu, index.T, np.float32, order=1, mode="nearest")
        known[part] = _inside(index, seen.hu.shape) & (hu[part] >= KNOWN_FROM_HU)
        near = np.clip(np.rint(index / seen.step).astype(np.int64), 0, np.array(seen.head.shape) - 1)
        head[part] = seen.head[tuple(near.T)]
    return Samples(hu, known, head)


def _inside(index: Array, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """True for voxel indices (n, 3) within half a voxel of the grid."""
    return np.asarray(((index >= -0.5) & (index <= np.array(shape) - 0.5)).all(axis=1))
