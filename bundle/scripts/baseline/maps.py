"""Maps of the published autoencoder: where a head differs from its reconstruction (Bieder et al., MIDL 2022).

The network sees a *box* of reference space. The *residual* is |x - x_reconstructed|, in percent of the range of the
equalised grey values x, 0 outside the head and outside the box. The *filtered residual* is what is left of it after the
filters of `postfilters`: the grayscale erosion for haemorrhage, and in the skull the median for fractures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..preprocessing.regions import SKULL
from .filters import SIZE, grayscale_erosion, median_filter

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
