"""Splits a scan into what is in the head and the noise on it, so that a change of the head leaves the noise in place.

The *calm* scan is Lee's filter of local statistics (IEEE TPAMI 2, 1980): where the variance around a voxel is that of
noise it becomes the mean, and where it is much larger, at the edge of a ventricle or a sulcus, it stays as it is. The
*noise* is what is left over: all of it where the brain is even, so that nothing of its grain moves with the brain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

RADIUS = 2
"""Reach of the filter's window, in voxels of 1 mm."""

NOISE_SHARE = 2.0
"""Variance that counts as noise, in units of that of the noise: its variance in one window varies, too."""

LEAST_NOISE_HU = 1.0

CALM_HU = (-30.0, 130.0)
"""HU outside are of no interest: they are cut before the filter, so that the skull does not disturb it."""

Volume = NDArray[np.float32]


def calm(hu: Volume, noise_hu: float) -> Volume:
    """The scan (i, j, k) without noise of a standard deviation; HU are cut to `CALM_HU`."""
    size, values = 2 * RADIUS + 1, np.clip(hu, *CALM_HU).astype(np.float32)
    mean = ndimage.uniform_filter(values, size)
    variance = np.maximum(ndimage.uniform_filter(values * values, size) - mean * mean, 0)
    noise = np.float32(NOISE_SHARE * noise_hu**2)
    kept = np.maximum(variance - noise, 0) / np.maximum(variance, noise)
    return np.asarray(mean + kept * (values - mean), dtype=np.float32)


def noise_level(hu: Volume, brain: NDArray[np.bool_]) -> float:
    """Standard deviation of the noise (HU) in the mask of the brain: the median absolute deviation, robust to edges.

    Raises:
        ValueError: the mask is empty.
    """
    if not brain.any():
        raise ValueError("the noise of a scan needs brain to be measured in, and there is none")
    size = 2 * RADIUS + 1
    left = (hu - ndimage.uniform_filter(hu, size))[brain]
    return max(float(np.median(np.abs(left)) / 0.6745), LEAST_NOISE_HU)
