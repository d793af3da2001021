"""Slow variations of HU: from patch to patch of brain, from side to side, from the middle outward, around ventricles.

The density of white and grey matter varies over centimetres (*patches*). White matter around the ventricles is darker
in many adults (*halo*). No scanner is perfectly uniform: HU change linearly from side to side (*slopes*), or from the
middle to the edge (*bowl*), by a fraction of a HU to a few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.labels import INTRACRANIAL, LATERAL_VENTRICLES, member_table
from .texture import smooth_noise

Volume = NDArray[np.float32]
Labels = NDArray[np.int16]

PATCH_HU, PATCH_STEP = (0.3, 1.5), 18
"""Range of the deviation of the patches in white and in grey matter, and their lattice spacing in voxels."""

SLOPE_HU = (0.6, 1.5, 2.0)
"""Largest differences between the halves of a head: right minus left, front minus back, top minus bottom."""

HALVES_MM = (60.0, 80.0, 60.0)
"""Distance between the middles of the two halves along each axis."""

BOWL_HU = 2.0
"""Largest difference between the edge and the middle of the head, of either sign."""

BOWL_MM = 75.0
"""Distance of the edge of the head from its middle."""

HALO_SHARE, HALO_HU, HALO_SIGMA = 0.4, (1.0, 8.0), 1.2
"""Share of heads with a halo, the range of its depth, and the deviation of its smoothing in lattice steps."""

STEP = 4
"""Voxels between the points of a coarse lattice."""

TISSUE_FROM_HU = -200.0
"""HU above which slopes and bowl apply: air stays unchanged."""

WHITE, GREY = (2, 41, 7, 46), (3, 42, 8, 47, 10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 26, 58, 28, 60)


@dataclass(frozen=True)
class Drift:
    """Slow variations, HU: deviations of patches in white and grey matter, slopes along +R, +A, +S, bowl, halo."""

    white_hu: float = 0.0
    grey_hu: float = 0.0
    slopes_hu: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bowl_hu: float = 0.0
    halo_hu: float = 0.0


def draw_drift(rng: np.random.Generator) -> Drift:
    """Random slow variations."""
    white, grey = rng.uniform(*PATCH_HU, 2)
    right, front, top = rng.uniform(-1, 1, 3) * SLOPE_HU
    halo = float(rng.uniform(*HALO_HU)) if rng.random() < HALO_SHARE else 0.0
    slopes = (float(right), float(front), float(top))
    return Drift(float(white), float(grey), slopes, float(rng.uniform(-1, 1) * BOWL_HU), halo)


def add_drift(hu: Volume, labels: Labels, drift: Drift, rng: np.random.Generator) -> None:
    """Add slow variations to the HU (I, J, K) of a head, 1 mm voxels, axes along +R, +A, +S, in place."""
    inside = np.argwhere(member_table(INTRACRANIAL)[labels[::STEP, ::STEP, ::STEP]]) * STEP
    if not len(inside):
        return
    first, last = inside.min(axis=0), inside.max(axis=0)
    box = tuple(slice(max(a - STEP, 0), b + 2 * STEP) for a, b in zip(first, last, strict=True))
    brain, held = hu[box], labels[box]
    for members, size in ((WHITE, drift.white_hu), (GREY, drift.grey_hu)):
        if size:
            brain += size * smooth_noise(held.shape, rng, PATCH_STEP) * member_table(members)[held]
    if drift.halo_hu:
        _add_halo(brain, held, drift.halo_hu)
    if any(drift.slopes_hu) or drift.bowl_hu:
        _add_level(hu, inside.mean(axis=0), drift)


def _add_level(hu: Volume, middle: NDArray[np.float64], drift: Drift) -> None:
    """Slopes and bowl about a voxel position (3,), in place."""
    lines = []
    for size, centre, slope, apart in zip(hu.shape, middle, drift.slopes_hu, HALVES_MM, strict=True):
        away = np.arange(size) - centre
        lines.append((slope * away / apart + drift.bowl_hu * ((away / BOWL_MM) ** 2 - 0.2)).astype(np.float32))
    level = (lines[0][:, None, None] + lines[1][None, :, None]) + lines[2][None, None, :]
    np.add(hu, level, out=hu, where=hu > TISSUE_FROM_HU)


def _add_halo(hu: Volume, labels: Labels, halo_hu: float) -> None:
    """Darker white matter around the lateral ventricles, in place."""
    import torch

    coarse = member_table(LATERAL_VENTRICLES)[labels[::STEP, ::STEP, ::STEP]].astype(np.float32)
    near = np.minimum(1.5 * ndimage.gaussian_filter(coarse, HALO_SIGMA), 1)
    fine = [(size - 1) * STEP + 1 for size in near.shape]
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(near)[None, None], size=fine, mode="trilinear", align_corners=True
    )[0, 0].numpy()
    part = tuple(slice(size) for size in fine)
    hu[part] -= halo_hu * grown * member_table(WHITE[:2])[labels[part]]
