"""Level and peak of a pose: the local correlation of scan and reference brain, and its drop at nearby poses.

Both images are in the *brain window*: HU clipped to [0, 60] and divided by 60. They are averaged to 4 mm and smoothed
by a Gaussian of 3 mm inside the field of view. Only voxels 6 mm or more inside the skull are compared, as the skull's
edge would outweigh the brain.

* *level*: the correlation of scan and reference in each block of 24 mm, averaged over the blocks without the lowest
  fifth. A lesion lowers the correlation of its own blocks; a wrong pose lowers all. A block counts if more than 60 of
  its 216 voxels are brain in view, and if scan or reference varies in it.
* *peak*: the level of the pose minus the highest level of 12 nearby poses. These are turned by 8 degrees, either way,
  about the +R, +A and +S axes through the middle of the brain, or shifted by 8 mm along them. A pose next to the right
  one has a negative peak.

Neither reliably detects an error below 10 mm, nor a mirrored scan.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.affines import transform_points
from ..geometry.coordinates import CENTRE_MM
from ..geometry.resampling import block_mean
from .score import Array, HeadImage, rotations, sample_zero

WINDOW_HU = 60.0
"""Upper end of the brain window, which begins at 0: bone and calcium are clipped to 1, air and fat to 0."""

SPACING_MM = 4.0
"""Voxel size of the brain images."""

SIGMA_MM, LEAST_WEIGHT = 3.0, 1e-3
"""Standard deviation of the smoothing, and the smallest divisor of a smoothed value."""

FIRST_MM, SHAPE, BLOCK = (-82.0, -114.0, -62.0), (42, 54, 48), 6
"""First voxel centre of the grid in reference space, its voxels, and the voxels along the side of a block."""

SKULL_DEPTH_MM = 6.0
"""Smallest depth inside the intracranial mask at which brains are compared."""

FEWEST_VOXELS, LEAST_VARIANCE = 60.0, 0.002
"""Limits that a block must exceed: brain voxels in view, of 216, and variance of scan or reference (2.7 HU squared)."""

CONSTANT = 1e-6
"""Variance below which an image counts as constant in a block (0.06 HU squared); its correlation is then 0."""

TRIMMED, FEWEST_BLOCKS = 0.2, 8
"""Share of the lowest blocks that the level leaves out, and the number of blocks below which the level is 0."""

STEP_MM, STEP_DEG = 8.0, 8.0
"""Moves to the nearby poses: smaller ones lower the level of a right pose by less than noise and anatomy do."""


@dataclass(frozen=True)
class BrainTarget:
    """The reference on the grid: smoothed brain window (I, J, K) in [0, 1], and the mask of comparison (I, J, K)."""

    values: NDArray[np.float32]
    inside: NDArray[np.bool_]


@dataclass(frozen=True)
class BrainImage:
    """A scan's brain window at 4 mm times its known mask, and that mask: one tensor (2, I, J, K), and its affine."""

    values: torch.Tensor
    affine: Array


def brain_target(reference: HeadImage, intracranial: NDArray[np.bool_]) -> BrainTarget:
    """Prepare a reference head image with its intracranial mask, on the same grid."""
    spacing = np.linalg.norm(reference.affine[:3, :3], axis=0)
    deep = ndimage.distance_transform_edt(intracranial, sampling=spacing) > SKULL_DEPTH_MM
    index = transform_points(np.linalg.inv(reference.affine), _grid_points())
    share = sample_zero(torch.from_numpy(deep.astype(np.float32))[None], index[None])[0, 0]
    values, weight = _smoothed(np.eye(4), brain_image(reference))
    return BrainTarget(values, (share.reshape(SHAPE) >= 0.5) & (weight > 0))


def brain_image(image: HeadImage) -> BrainImage:
    """The brain image of a head image at 2 mm."""
    window = np.clip(image.hu, 0, WINDOW_HU) / np.float32(WINDOW_HU)
    mean, known, affine = block_mean(window, image.known, image.affine, SPACING_MM)
    parts = np.stack([np.where(known, mean, np.float32(0)), known.astype(np.float32)])
    return BrainImage(torch.from_numpy(parts), affine)


def brain_level(pose: Array, target: BrainTarget, scan: BrainImage) -> float:
    """Level of a pose (4, 4), reference mm to scan mm, scale included; 0 if too little brain is in view."""
    values, weight = _smoothed(pose, scan)
    correlations = block_correlations(values, target.values, weight * target.inside)
    if len(correlations) < FEWEST_BLOCKS:
        return 0.0
    return float(np.sort(correlations)[int(TRIMMED * len(correlations)) :].mean())


def brain_peak(pose: Array, level: float, target: BrainTarget, scan: BrainImage) -> float:
    """The level of a pose (4, 4) minus the highest level of the nearby poses."""
    return level - max(brain_level(pose @ move, target, scan) for move in moves())


def moves() -> Array:
    """Rigid matrices (12, 4, 4) in reference mm from a pose to the nearby ones."""
    centre = np.array(CENTRE_MM)
    signs = np.concatenate([np.eye(3), -np.eye(3)])
    matrices = np.tile(np.eye(4), (12, 1, 1))
    matrices[:6, :3, :3] = rotations(np.deg2rad(STEP_DEG) * signs)
    matrices[:6, :3, 3] = centre - matrices[:6, :3, :3] @ centre
    matrices[6:, :3, 3] = STEP_MM * signs
    return matrices


def block_correlations(
    one: NDArray[np.float32], other: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Weighted correlations (N,) of two images (I, J, K) in the blocks that count, 0 if one image is constant."""
    total = _block_sums(weight)
    chosen = total > FEWEST_VOXELS
    total = total[chosen]

    def mean(values: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(_block_sums(values * weight)[chosen] / total)

    mean_one, mean_other = mean(one), mean(other)
    variance_one, variance_other = mean(one**2) - mean_one**2, mean(other**2) - mean_other**2
    spread = np.sqrt(np.maximum(variance_one, CONSTANT) * np.maximum(variance_other, CONSTANT))
    correlations = (mean(one * other) - mean_one * mean_other) / spread
    constant = np.minimum(variance_one, variance_other) <= CONSTANT
    return np.where(constant, 0.0, correlations)[np.maximum(variance_one, variance_other) > LEAST_VARIANCE]


def _block_sums(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums (N,) of values (I, J, K) over the blocks."""
    i, j, k = (size // BLOCK for size in values.shape)
    blocks = values.reshape(i, BLOCK, j, BLOCK, k, BLOCK)
    return np.asarray(blocks.sum(axis=(1, 3, 5), dtype=np.float64)).ravel()


def _smoothed(pose: Array, scan: BrainImage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A scan's brain window (I, J, K) at a pose (4, 4), smoothed inside its field of view, and the known share.

    Voxels with a known share of 0.5 or less count as unknown, with weight 0.
    """
    index = transform_points(np.linalg.inv(scan.affine) @ pose, _grid_points())
    window, known = sample_zero(scan.values, index[None])[:, 0]
    weight = np.where(known > 0.5, known, np.float32(0))
    counted = np.where(weight > 0, window, np.float32(0))
    sums, weights = (
        ndimage.gaussian_filter(part.reshape(SHAPE), SIGMA_MM / SPACING_MM, mode="constant")
        for part in (counted, weight)
    )
    return sums / np.maximum(weights, np.float32(LEAST_WEIGHT)), weight.reshape(SHAPE)


def _grid_points() -> Array:
    """The voxel centres (N, 3) of the grid, reference mm."""
    index = np.moveaxis(np.indices(SHAPE), 0, -1).reshape(-1, 3)
    return np.asarray(index * SPACING_MM + FIRST_MM)
