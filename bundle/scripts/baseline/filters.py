"""Filters of the published autoencoder's anomaly map |x - x_reconstructed|, all of size 5 (Bieder et al., MIDL 2022).

A sharp edge that is reconstructed a voxel beside its place leaves a thin shell in the map. *Grayscale erosion*, the
minimum over a cube, takes away whatever is thinner than the cube: the filter for haemorrhage. The *median* over a cube
keeps what fills half of it: the filter for fractures.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

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
