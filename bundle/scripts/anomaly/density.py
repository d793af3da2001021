"""Density by place: the HU of brain around a place, comparable between scans since all brains have the same median.

The density of a place is the mean HU of brain around it, over a Gaussian of `SMOOTHING_MM`. It comes from shifted
blocks (see `preprocessing.blocks`); bone and its rim are left out, where partial volume would hide what lies beneath.
Its deviation from healthy scans at the same place sees what is the same on both sides or in the middle, to which a
left-right difference is blind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.averages import gaussian_means
from ..preprocessing.regions import in_hemispheres

BLOCK_MM = 2.0
"""Side of a block."""

SMOOTHING_MM = 4.0
"""Standard deviation of the Gaussian."""

CLIPPED_HU = (-20.0, 100.0)
"""HU are clipped to this, so that a calcification or a bubble does not make the mean."""

RIM_HU, RIM_BLOCKS = 100.0, 3
"""A cube of so many blocks a side whose mean is denser than this counts as bone or its rim."""


def density_at_places(blocks: NDArray[np.int16], regions: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Density (64, 64, 64) in HU at the places of the hemispheres; NaN elsewhere, and where all around is bone.

    Args:
        blocks: shifted HU (127, 127, 127).
        regions: labels (64, 64, 64) at the places.
    """
    hu = blocks.astype(np.float32)
    brain = in_hemispheres(regions)
    line = (np.arange(blocks.shape[0]) + 1) // 2
    there = brain[np.ix_(line, line, line)] & (ndimage.uniform_filter(hu, RIM_BLOCKS) <= RIM_HU)
    means, known = gaussian_means(hu.clip(*CLIPPED_HU) * there, there, SMOOTHING_MM / BLOCK_MM)
    return np.where(brain & known[::2, ::2, ::2], means[::2, ::2, ::2], np.float32(np.nan))
