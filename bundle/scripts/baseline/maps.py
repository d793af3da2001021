"""Maps of the published autoencoder: where a head differs from its reconstruction (Bieder et al., MIDL 2022).

The network sees a *box* of reference space. The *residual* is |x - x_reconstructed|, in percent of the range of the
equalised grey values x, 0 outside the head and outside the box. A sharp edge that is reconstructed a voxel beside its
place leaves a thin shell in it. *Grayscale erosion*, the minimum over a cube of 5 voxels a side, takes away whatever is
thinner than the cube: the filter for haemorrhage. The *median* over it keeps what fills half of it: the filter for
fractures. The *filtered residual* is what is left after the erosion, and in the skull after the median.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from ..preprocessing.regions import SKULL

SIZE = 5
"""Side of the cube in voxels."""

CHUNK = 100_000
"""Voxels whose neighbourhoods are sorted at a time: 50 MB of float32 at size 5."""

Map = NDArray[np.float32]


def grayscale_erosion(values: Map, size: int = SIZE) -> Map:
    """Minimum over the cube of `size` voxels a side around each voxel (I, J, K); beyond the border its value goes on.

    Raises:
        ValueError: the size is even or not positive.
    """
    _check(size)
    return np.asarray(ndimage.minimum_filter(values, size, mode="nearest"))


def median_filter(values: Map, wanted: NDArray[np.bool_], size: int = SIZE) -> Map:
    """Median over the cube of `size` voxels a side around each wanted voxel (I, J, K); 0 elsewhere.

    Beyond the border its value goes on.

    Raises:
        ValueError: the size is even or not positive, or shapes differ.
    """
    _check(size)
    if values.shape != wanted.shape:
        raise ValueError(
            f"the map and the mask of wanted voxels must share a shape, got {values.shape}, {wanted.shape}"
        )
    cubes = sliding_window_view(np.pad(values, size // 2, mode="edge"), (size,) * 3)
    filtered = np.zeros_like(values)
    places = np.argwhere(wanted)
    for first in range(0, len(places), CHUNK):
        i, j, k = places[first : first + CHUNK].T
        around = cubes[i, j, k].reshape(len(i), -1)
        filtered[i, j, k] = np.partition(around, size**3 // 2, axis=1)[:, size**3 // 2]
    return filtered


def _check(size: int) -> None:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a filter's size must be odd and positive, so that a voxel is central, got {size}")


PERCENT = 100.0

Box = tuple[slice, slice, slice]


def box_of(start: Sequence[int], end: Sequence[int], shape: Sequence[int]) -> Box:
    """The box from voxel `start` up to, and without, voxel `end` of a grid of a shape (I, J, K).

    Raises:
        ValueError: it is empty, or reaches beyond the grid.
    """
    inside = len(start) == len(end) == 3 and all(0 <= a < b <= n for a, b, n in zip(start, end, shape, strict=True))
    if not inside:
        raise ValueError(f"a box must lie in the grid {list(shape)}, got {list(start)} to {list(end)}")
    i, j, k = (slice(a, b) for a, b in zip(start, end, strict=True))
    return i, j, k


def residual_percent(
    grey: NDArray[np.floating], reconstructed: NDArray[np.floating], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The residual (I, J, K) of grey values from 0 to 1 inside a mask; a reconstruction is NaN outside the box."""
    difference = np.abs(grey.astype(np.float32) - reconstructed)
    return np.where(inside & np.isfinite(difference), PERCENT * difference, 0).astype(np.float32)


def filtered(residual: NDArray[np.float32], regions: NDArray[np.uint8], size: int = SIZE) -> NDArray[np.float32]:
    """The filtered residual (I, J, K) of a residual with the labels of regions, by filters of `size` voxels a side.

    Raises:
        ValueError: shapes differ, or the size is even or not positive.
    """
    skull = regions == SKULL
    return np.where(skull, median_filter(residual, skull, size), grayscale_erosion(residual, size))
