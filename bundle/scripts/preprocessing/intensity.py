"""From Hounsfield units to network inputs in [0, 1].

A *window* maps lower..upper HU linearly to 0..1 and clips what lies outside. The *foreground* is the head; outside it
every network input is exactly 0. *Histogram equalisation* maps each HU to the share of foreground voxels that are not
brighter (Bieder et al., MIDL 2022, equalise each scan before training and inference).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..volume import AIR_HU

BRAIN_WINDOW_HU = (-20.0, 100.0)
"""Brain, blood and cerebrospinal fluid."""

BONE_WINDOW_HU = (0.0, 1500.0)
"""Soft tissue to dense bone."""

EQUALISATION_RANGE_HU = (-1024, 3071)
"""Values outside what 12 bits of a scanner hold are clipped before equalisation, which has one bin per HU."""


def window(volume_hu: Tensor, lower_hu: float, upper_hu: float) -> Tensor:
    """Values in [0, 1] of HU of any shape, in float32.

    Raises:
        ValueError: the window is empty.
    """
    if not lower_hu < upper_hu:
        raise ValueError(f"a window needs lower < upper, got {lower_hu} and {upper_hu} HU")
    return ((volume_hu.float() - lower_hu) / (upper_hu - lower_hu)).clamp_(0.0, 1.0)


def windows(
    volume_hu: Tensor,
    windows_hu: Sequence[Sequence[float]] = (BRAIN_WINDOW_HU, BONE_WINDOW_HU),
    foreground: Tensor | None = None,
) -> Tensor:
    """One channel per window (W, I, J, K), in [0, 1], of a volume (1, I, J, K) in HU.

    Where a foreground (1, I, J, K) is given, everything outside it is 0.

    Raises:
        ValueError: the volume is not (1, I, J, K), or a window is empty.
    """
    _check_one_channel(volume_hu)
    channels = torch.cat([window(volume_hu, lower, upper) for lower, upper in windows_hu])
    return channels if foreground is None else channels.mul_(foreground != 0)


def equalize_histogram(volume_hu: Tensor, foreground: Tensor | None = None) -> Tensor:
    """Histogram equalisation (1, I, J, K) of a volume (1, I, J, K) in HU: in (0, 1] inside the foreground, 0 outside.

    Only the foreground (1, I, J, K; without one, every voxel) enters the histogram. An empty foreground gives zeros.

    Raises:
        ValueError: the volume is not (1, I, J, K), or holds values that are not finite.
    """
    _check_one_channel(volume_hu)
    if not bool(torch.isfinite(volume_hu).all()):
        raise ValueError(f"the volume holds values that are not finite; replace them by air ({AIR_HU:g} HU)")
    lower, upper = EQUALISATION_RANGE_HU
    bins = volume_hu.clamp(lower, upper).sub(lower).round_().long()
    inside = torch.ones_like(bins, dtype=torch.bool) if foreground is None else foreground != 0
    share = torch.bincount(bins[inside], minlength=upper - lower + 1).cumsum(0).double() / max(int(inside.sum()), 1)
    return share.float()[bins].mul_(inside)


def _check_one_channel(volume_hu: Tensor) -> None:
    if volume_hu.ndim != 4 or volume_hu.shape[0] != 1:
        raise ValueError(f"need a volume (1, I, J, K) in HU, got {tuple(volume_hu.shape)}")
