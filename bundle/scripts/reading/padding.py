"""Padding by its tag, told from values: padding lies outside the field of view, and so reaches the border of a slice.

A tag may name a value that voxels of the head have, too: 0 HU where slope and intercept are 1 and 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..findings import Finding, finding
from ..volume import PADDING_BELOW_HU

VALUES_HU = (PADDING_BELOW_HU, 4000)
"""Values that a voxel of a head may have; what is beyond is padding wherever it lies."""

AIR_BELOW_HU = -900
"""Air: whether a voxel with such a value is called padding makes no difference."""


def values_inside(hu: NDArray[np.int16], padding: NDArray[np.bool_] | None) -> list[Finding]:
    """A flag if voxels of a head have the padding value; they are taken out of `padding` (K, rows, columns), in place.

    `hu` (K, rows, columns) are the values, padding rescaled as they are.
    """
    count = 0
    for values, mask in zip(hu, () if padding is None else padding, strict=False):
        if not mask.any():
            continue
        inside = mask & ~_reaching_border(mask) & (values >= VALUES_HU[0]) & (values <= VALUES_HU[1])
        mask[inside] = False
        count += int((values[inside] > AIR_BELOW_HU).sum())
    if not count:
        return []
    return [finding("padding_inside", f"{count} voxels inside the field of view have the padding value.")]


def _reaching_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a mask (rows, columns) that touch its border."""
    parts, count = ndimage.label(mask)
    touching = np.zeros(count + 1, bool)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        touching[side] = True
    touching[0] = False
    return np.asarray(touching[parts])
