"""Left against right: how much denser a place is than its mirror image.

Heads are nearly symmetric, and most differences between people, scanners and contrast phases are on both sides. The
*asymmetry* cancels these: it is the density of a place minus that of its mirror image about the reference's mid-plane.
Densities are first averaged over a Gaussian inside the place's own region, the brain's in its window, the skull's in
the bone window. Bone and its *rim* take no part in the brain's average: there partial volume of bone would hide a film
of blood beneath the skull. The unit is a *step*, a negligible difference in the brain or in the skull. The asymmetry
is 0 where the mirrored place belongs to no region of the same kind.

The difference alone does not tell which of the two places is unusual. It counts only as far as the place also differs
in the same direction from the reference head (after medians are equalised). Beside a bleed on the right, the left is
not darker than the reference, and has no asymmetry. The sign is positive where the place is the denser one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.averages import TRUNCATE, block_means, gaussian_means
from ..geometry.boxes import Box, bounding_box
from ..preprocessing.intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU
from ..preprocessing.regions import SKULL, in_hemispheres

BLOCK = 2
"""Voxels a side of the blocks that densities are averaged over first."""

BRAIN_SMOOTHING_MM, SKULL_SMOOTHING_MM = 4.0, 2.0
"""Standard deviations of the Gaussians."""

BRAIN_STEP_HU, SKULL_STEP_HU = 2.0, 50.0
"""One step in the brain and in the skull."""

RIM_HU, RIM_VOXELS = 100.0, 3
"""A cube of so many voxels a side whose mean is denser than this counts as bone or its rim."""

LEAST_SHARE = 0.5
"""A block belongs to a region where this share of it does, at least."""

Array = NDArray[np.float32]
Windows = Sequence[Sequence[float]]


def densities(
    inputs: NDArray[np.floating], regions: NDArray[np.uint8], windows_hu: Windows = (BRAIN_WINDOW_HU, BONE_WINDOW_HU)
) -> tuple[Array, NDArray[np.bool_]]:
    """Density (2, n, n, n) of the brain and of the skull by block, in steps above the region's median, and where it is.

    Outside its region a density goes on as far as the Gaussian reaches, and is NaN beyond.

    Args:
        inputs: (2, N, N, N) of the network in the reference grid, N even: brain and bone window, from 0 to 1.
        regions: labels (N, N, N), see `regions`.
        windows_hu: lower and upper HU of both windows.

    Raises:
        ValueError: the inputs are not a brain and a bone window on the grid of the regions, or can't tell bone.
    """
    brain_window_hu, bone_window_hu = windows_hu
    if inputs.shape != (2, *regions.shape):
        raise ValueError(f"asymmetry needs brain and bone window, (2, {regions.shape}), got {inputs.shape}")
    box = _box((inputs[1] != 0) | (regions != 0))
    soft, hard, labels = inputs[0][box], inputs[1][box], regions[box]
    shape = (2, *(size // BLOCK for size in regions.shape))
    found, there = np.full(shape, np.nan, np.float32), np.zeros(shape, dtype=bool)
    brain = in_hemispheres(labels) & ~bone_and_rim(hard, bone_window_hu)
    blocks = tuple(slice(part.start // BLOCK, part.stop // BLOCK) for part in box)
    for number, (channel, inside, (low, high), sigma_mm, step_hu) in enumerate(
        (
            (soft, brain, brain_window_hu, BRAIN_SMOOTHING_MM, BRAIN_STEP_HU),
            (hard, labels == SKULL, bone_window_hu, SKULL_SMOOTHING_MM, SKULL_STEP_HU),
        )
    ):
        share = block_means(inside, BLOCK)
        density, known = gaussian_means(block_means(channel * inside, BLOCK), share, sigma_mm / BLOCK)
        mine = (share >= LEAST_SHARE) & known
        middle = np.median(density[mine]) if mine.any() else np.float32(0)
        steps = (density - middle) * np.float32((high - low) / step_hu)
        found[number][blocks], there[number][blocks] = np.where(known, steps, np.float32(np.nan)), mine
    return found, there


def _box(head: NDArray[np.bool_]) -> Box:
    """Whole blocks around a head (N, N, N), N even, and as far as the Gaussians reach; all of them without a head.

    Everything outside is 0, and what is computed inside has the bits of the whole.
    """
    margin = BLOCK * (1 + math.ceil(TRUNCATE * BRAIN_SMOOTHING_MM / BLOCK))
    parts = bounding_box(head, (margin, margin, margin))
    if any(part.start == part.stop for part in parts):
        return tuple(slice(0, size) for size in head.shape)
    return tuple(slice(part.start // BLOCK * BLOCK, -(-part.stop // BLOCK) * BLOCK) for part in parts)


def bone_and_rim(bone_window: NDArray[np.floating], window_hu: Sequence[float] = BONE_WINDOW_HU) -> NDArray[np.bool_]:
    """Mask (N, N, N) of bone and what lies beside it, of the bone window (N, N, N) from 0 to 1.

    Raises:
        ValueError: the window, from lower to upper HU, does not hold the density that tells bone.
    """
    lower, upper = window_hu
    if not lower < RIM_HU < upper:
        raise ValueError(f"the bone window has to hold {RIM_HU:g} HU, which tells bone, got {lower:g} to {upper:g} HU")
    mean = ndimage.uniform_filter(bone_window.astype(np.float32), RIM_VOXELS)
    return np.asarray(mean > (RIM_HU - lower) / (upper - lower))


def asymmetry(
    inputs: NDArray[np.floating],
    regions: NDArray[np.uint8],
    stride: int,
    reference: Array | None = None,
    windows_hu: Windows = (BRAIN_WINDOW_HU, BONE_WINDOW_HU),
) -> Array:
    """Asymmetry (n, n, n) in steps on every stride-th voxel, 0 outside the regions.

    Args:
        inputs: (2, N, N, N) of the network in the reference grid, N even: brain and bone window, from 0 to 1.
        regions: labels (N, N, N), see `regions`.
        stride: 1, 2 or 4.
        reference: `densities` of the reference head; without it, the healthy side is marked as much as the other.
        windows_hu: lower and upper HU of both windows.

    Raises:
        ValueError: the inputs are not a brain and a bone window on the grid of the regions, or can't tell bone.
    """
    total = np.zeros([size // BLOCK for size in regions.shape], np.float32)
    for channel, (density, mine) in enumerate(zip(*densities(inputs, regions, windows_hu), strict=True)):
        difference = density - density[::-1]
        if reference is not None:
            excess = density - reference[channel]
            same = np.sign(difference) == np.sign(excess)
            difference = np.where(same, np.copysign(np.minimum(np.abs(difference), np.abs(excess)), difference), 0)
        total += np.where(mine & mine[::-1], difference, 0)
    places = [np.arange(0, size, stride) // BLOCK for size in regions.shape]
    return total[np.ix_(*places)]
