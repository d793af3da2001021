"""Boxes: the part of a volume that a mask fills."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]
"""A part of a volume: a slice, with start and stop, of each axis."""


def bounding_box(mask: NDArray[np.bool_], margin: Sequence[int] = (0, 0, 0)) -> Box:
    """Slices of the smallest box that holds the mask, with a margin in voxels; empty ones where the mask is empty."""
    slices = []
    for axis, size in enumerate(mask.shape):
        hit = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        low, high = (int(hit[0]), int(hit[-1]) + 1) if hit.size else (0, 0)
        slices.append(slice(max(low - margin[axis], 0), min(high + margin[axis], size) if hit.size else 0))
    return tuple(slices)
