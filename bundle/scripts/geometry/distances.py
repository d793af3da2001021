"""Distances from the border of a mask, measured only in the box that they can reach."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .boxes import bounding_box

Mask = NDArray[np.bool_]


def within(mask: Mask, distance_mm: float, spacing_mm: float) -> Mask:
    """Mask (I, J, K) of the voxels that lie at most `distance_mm` from `mask` (I, J, K); none where that is empty."""
    found = np.zeros(mask.shape, bool)
    if mask.any():
        box = bounding_box(mask, [int(np.ceil(distance_mm / spacing_mm))] * mask.ndim)
        found[box] = ndimage.distance_transform_edt(~mask[box], sampling=spacing_mm) <= distance_mm
    return found


def deeper_than(mask: Mask, depth_mm: float, spacing_mm: float) -> Mask:
    """Mask (I, J, K) of the voxels that lie more than `depth_mm` from what is not in `mask` (I, J, K).

    Beyond the volume nothing is known: its faces are no border.
    """
    found = np.zeros(mask.shape, bool)
    box = bounding_box(mask, [1] * mask.ndim)
    if mask.any():
        found[box] = ndimage.distance_transform_edt(mask[box], sampling=spacing_mm) > depth_mm
    return found
