"""Means over the surroundings of a place, restricted to a mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]

LEAST_WEIGHT = 1e-3
"""Least weight of a Gaussian's part inside the mask for its mean to be defined."""


def block_means(values: NDArray[np.generic], block: int) -> Array:
    """Means (n, n, n) over blocks of values (N, N, N), `block` voxels a side; a remainder at the end is dropped.

    The mean along x comes first, so that with blocks of two a mirror image gives the same to the bit.
    """
    i, j, k = (size // block for size in values.shape)
    blocks = values[: i * block, : j * block, : k * block].reshape(i, block, j, block, k, block)
    return np.asarray(blocks.mean(axis=1, dtype=np.float32).mean(axis=(2, 4)))


def gaussian_means(totals: Array, share: Array | NDArray[np.bool_], sigma: float) -> tuple[Array, NDArray[np.bool_]]:
    """Gaussian means (n, n, n) of what belongs, and where there are any; elsewhere they are 0.

    Args:
        totals: (n, n, n), the sum of what belongs of each voxel; 0 where nothing does.
        share: (n, n, n), how much of each voxel belongs, 0 to 1; a mask where voxels belong or do not.
        sigma: standard deviation of the Gaussian in voxels.
    """
    weight, total = (
        ndimage.gaussian_filter(part.astype(np.float32), sigma, mode="constant", truncate=3.0)
        for part in (share, totals)
    )
    known = weight > LEAST_WEIGHT
    return np.divide(total, weight, out=np.zeros_like(total), where=known), known
