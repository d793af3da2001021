"""Padding by its tag, told from values: padding lies outside the field of view, and so reaches the border of a slice.

A tag may name a value that voxels of the head have, too: 0 HU where slope and intercept are 1 and 0. It may also name
the value of all air, where a scanner or a program clipped or evened it out: then it tells nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..findings import Finding, finding
from ..volume import AIR_PEAK_HU, MIN_FRACTION, PADDING_BELOW_HU
from .hu_scale import thinned

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
    if padding is not None and _is_all_air(thinned(hu), thinned(padding)):
        padding[:] = False
    if not count:
        return []
    return [finding("padding_inside", f"{count} voxels inside the field of view have the padding value.")]


def _is_all_air(hu: NDArray[np.int16], padding: NDArray[np.bool_]) -> bool:
    """True if padding has the value of air, and hardly a voxel beside it is of air."""
    values, known = hu[padding], hu[~padding]
    if not len(values) or not len(known) or np.mean(known < AIR_BELOW_HU) >= MIN_FRACTION:
        return False
    return bool(AIR_PEAK_HU[0] <= values.min() and values.max() <= AIR_PEAK_HU[1])


def _reaching_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a mask (rows, columns) that touch its border."""
    parts, count = ndimage.label(mask)
    touching = np.zeros(count + 1, bool)
    for side in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        touching[side] = True
    touching[0] = False
    return np.asarray(touching[parts])
