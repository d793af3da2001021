"""Check that all slices of a stack are on one Hounsfield scale: each is rescaled by its own tags, which may be wrong.

A wrong `RescaleIntercept` or `RescaleSlope` in some slices moves no edge. It changes the *level* of air and of soft
tissue, the median of those pixels. Where a slice shows air its neighbour mostly shows air too, and where both
neighbours show soft tissue so does the slice between them. The check comes before padding is replaced and noise
clipped, which would hide that air is too dark. It uses every fourth pixel along each axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.names import shown
from ..findings import refusal
from ..volume import KNOWN_FROM_HU
from .headers import ImageHeader

AIR_BELOW_HU = -900
"""Air with its noise; lung and foam are brighter."""

SOFT_HU = (-300, 300)
"""Fat and soft tissue, the plastic of phantoms; bone varies too much from slice to slice."""

AIR_STEP_HU = 100.0
"""Air that differs by more is on another scale. In real scans it differs by up to 5 HU from slice to slice."""

SOFT_STEP_HU = 250.0
"""The same of soft tissue, which differs by up to 50 HU near the vertex; half or double the slope moves it by 500."""

RISING = 0.25
"""Quantile of the steps of soft tissue that has to rise. Near the vertex a thick slice shows bone where those on both
sides show brain or scalp: its median rises by up to 470 HU, but this quantile by 1 (40 simulated heads)."""

ENOUGH = 0.05
"""Least share of the pixels of a slice that makes a level."""

STEP = 4
"""Every so many pixels along each axis are looked at."""


def thinned(slices: NDArray[Any]) -> NDArray[Any]:
    """A copy of every fourth pixel along rows and columns of slices (S, rows, columns)."""
    return slices[:, ::STEP, ::STEP].copy()


def check_levels(hu: NDArray[np.int16], valid: NDArray[np.bool_] | None, images: tuple[ImageHeader, ...]) -> None:
    """Refuse slices `hu` (S, rows, columns) in HU of which one is not on the scale of the next; `valid`: no padding.

    Values below `KNOWN_FROM_HU` are padding without a tag where the next slice has such values too, since the field of
    view is that of the series, and where the whole slice does.

    Raises:
        InputRefused: `rescale_invalid`, naming the file.
    """
    small = hu.reshape(len(hu), -1)
    low = small < KNOWN_FROM_HU
    known = np.broadcast_to(~np.all(low, axis=1, keepdims=True), small.shape)
    if valid is not None:
        known = known & valid.reshape(small.shape)
    steps = np.array(
        [_air_step(small[k : k + 2], known[k] & known[k + 1] & ~(low[k] & low[k + 1])) for k in range(len(hu) - 1)]
    )
    broken = np.abs(steps) > AIR_STEP_HU
    if broken.any():
        odd, next_one = _odd_one(broken)
        size = abs(steps[min(odd, next_one)])
        _refuse(images, odd, f"air differs by {size:.0f} HU from the next image, {shown(images[next_one].path)}")
    soft = [_soft_step(small[k - 1 : k + 2], known[k - 1] & known[k] & known[k + 1]) for k in range(1, len(hu) - 1)]
    worst = int(np.argmax(np.abs(soft)))
    if abs(soft[worst]) > SOFT_STEP_HU:
        size = abs(soft[worst])
        _refuse(images, worst + 1, f"soft tissue differs by {size:.0f} HU from the images on both sides of it")


def _air_step(pair: NDArray[np.int16], known: NDArray[np.bool_]) -> float:
    """The smaller step (HU) between a pair (2, N) of slices where one or the other shows air; 0 where neither does.

    Air gives way to anatomy in one direction only: where the wider slice shows air, the other does too.
    """
    rise = pair[1].astype(np.float32) - pair[0]
    masks = [(image < AIR_BELOW_HU) & known for image in pair]
    steps = [float(np.median(rise[mask])) for mask in masks if mask.sum() >= ENOUGH * mask.size]
    return min(steps, key=abs, default=0.0)


def _soft_step(three: NDArray[np.int16], known: NDArray[np.bool_]) -> float:
    """The step (HU) of the middle one of `three` slices (3, N), where both others are soft; 0 without any.

    Of a fall it is the median, of a rise the quantile `RISING`.
    """
    soft = (three[::2] > SOFT_HU[0]) & (three[::2] < SOFT_HU[1])
    mask = soft.all(axis=0) & known
    if mask.sum() < ENOUGH * mask.size:
        return 0.0
    steps = three[1][mask].astype(np.float32) - three[::2, mask].mean(axis=0)
    median = float(np.median(steps))
    return median if median < 0 else max(0.0, float(np.quantile(steps, RISING)))


def _odd_one(broken: NDArray[np.bool_]) -> tuple[int, int]:
    """The slice that differs from those on both its sides, else one at an end, and its neighbour; `broken` (S - 1,)."""
    alone = broken[:-1] & broken[1:]
    odd = int(alone.argmax()) + 1 if alone.any() else 0 if broken[0] else int(broken.argmax()) + 1
    return odd, odd - 1 if odd else 1


def _refuse(images: tuple[ImageHeader, ...], odd: int, how: str) -> None:
    """Raise the refusal of slice `odd`."""
    raise refusal("rescale_invalid", f"The image in {shown(images[odd].path)} has another HU scale: {how}.")
