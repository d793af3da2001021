"""The score of a pose: the similarity of the reference head and a scan under it.

A *pose* is a similarity from reference space to the scan's world space, x_scan = s R (x - c_ref) + c_scan + t, written
as seven numbers (rx, ry, rz, tx, ty, tz, log s): radians about the +R, +A and +S axes (R = Rz Ry Rx), millimetres, and
the logarithm of one scale, which absorbs the size of the head. Without the scale, wrong poses score higher on heads
of another size.

A *head image* has two channels, soft tissue (HU clipped to [-200, 400]) and a bone ramp (0 at 150 HU, 1 at 500 HU),
air outside the head, and a weight that is 0 where the scan is unknown. The *score* of a pose is the mean over the
channels of the normalised correlation (NCC) on the overlap within the head mask, times min(overlap, 0.9)^0.25.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ..geometry.resampling import block_mean, box_grid, resample
from ..preprocessing.foreground import head_foreground
from ..volume import AIR_HU

Array = NDArray[np.float64]

SOFT_HU = (-200.0, 400.0)
"""Window of the soft tissue channel."""

BONE_RAMP_HU = (150.0, 500.0)
"""HU at which the bone channel is 0 and 1; in between it rises with the certainty that a voxel is bone."""

WORKING_MM = 2.0
"""Voxel size of the finest images in the search."""

FULL_OVERLAP = 0.9
"""Overlap above which the score no longer rises: nearly every scan cuts off the rest of the head mask."""

OVERLAP_POWER = 0.25
"""Exponent of the overlap in the score: the penalty of a small overlap."""

CHUNK_POINTS = 2**19
"""Points sampled at a time (memory about 20 MB)."""


@dataclass(frozen=True)
class HeadImage:
    """A head at `WORKING_MM`: HU with air outside the head (I, J, K), the known mask, the head mask, and the affine."""

    hu: NDArray[np.float32]
    known: NDArray[np.bool_]
    head: NDArray[np.bool_]
    affine: Array


@dataclass(frozen=True)
class Level:
    """A head image at one resolution: channels (2, I, J, K) and weight as one tensor (3, I, J, K), and its affine."""

    values: torch.Tensor
    affine: Array


@dataclass(frozen=True)
class Points:
    """Points (N, 3) of the reference in mm, its channels there (2, N), zero mean, and the centre of rotation (3,)."""

    at: Array
    values: NDArray[np.float32]
    centre: Array


@dataclass(frozen=True)
class Scores:
    """Per pose (P,): the score, the mean NCC of the channels, and the share of the head mask that is known."""

    score: Array
    ncc: Array
    overlap: Array


def head_image(volume_hu: NDArray[np.float32], known: NDArray[np.bool_], affine: Array) -> HeadImage:
    """The head image of a scan in canonical axis order: 2 mm isotropic along the world axes, anti-aliased."""
    coarse, coarse_known, coarse_affine = block_mean(volume_hu, known, affine, WORKING_MM)
    shape, box = box_grid(tuple(coarse.shape), coarse_affine, WORKING_MM)
    both = torch.from_numpy(np.stack([coarse - np.float32(AIR_HU), coarse_known.astype(np.float32)]))
    moved = resample(both, coarse_affine, shape, box).numpy()
    inside = moved[1] > 0.5
    hu = np.where(inside, moved[0] + np.float32(AIR_HU), np.float32(AIR_HU))
    head = head_foreground(hu, [WORKING_MM] * 3)
    return HeadImage(np.where(head, hu, np.float32(AIR_HU)), inside, head, box)


def channels(hu: NDArray[np.float32]) -> NDArray[np.float32]:
    """Soft tissue and bone (2, I, J, K) of HU (I, J, K), each in [0, 1]."""
    windows = (SOFT_HU, BONE_RAMP_HU)
    return np.stack([(np.clip(hu, low, high) - np.float32(low)) / np.float32(high - low) for low, high in windows])


def level(image: HeadImage, spacing_mm: float) -> Level:
    """The head image at a coarser resolution; the channels are premultiplied by the weight."""
    parts = []
    for channel in channels(image.hu):
        mean, known, affine = block_mean(channel, image.known, image.affine, spacing_mm)
        parts.append(np.where(known, mean, np.float32(0)))
    return Level(torch.from_numpy(np.stack([*parts, known.astype(np.float32)])), affine)


def points(image: HeadImage, mask: NDArray[np.bool_], centre: Array, spacing_mm: float, count: int) -> Points:
    """Up to `count` points of the reference on a grid of `spacing_mm` inside a mask of the head image's grid.

    They are evenly spaced in the order of the voxels, without random numbers: the choice is the same every time.
    """
    at = level(image, spacing_mm)
    share, _, _ = block_mean(mask.astype(np.float32), np.ones_like(mask), image.affine, spacing_mm)
    index = np.argwhere(share > 0.5)
    if len(index) > count:
        index = index[(np.arange(count) * len(index)) // count]
    values = at.values[:2].numpy()[:, index[:, 0], index[:, 1], index[:, 2]]
    world = index @ at.affine[:3, :3].T + at.affine[:3, 3]
    return Points(world, values - values.mean(axis=1, keepdims=True), centre)


def rotations(angles: Array) -> Array:
    """Rotation matrices (P, 3, 3) of angles (P, 3) in radians about +R, +A and +S: Rz Ry Rx."""
    cos, sin = np.cos(angles), np.sin(angles)
    (cx, cy, cz), (sx, sy, sz) = cos.T, sin.T
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def pose_matrices(poses: Array, centre: Array, start: Array) -> Array:
    """Matrices (P, 4, 4), reference mm to scan mm, of poses (P, 7) about a centre (3,) that starts at `start` (3,)."""
    matrices = np.tile(np.eye(4), (len(poses), 1, 1))
    matrices[:, :3, :3] = rotations(poses[:, :3]) * np.exp(poses[:, 6])[:, None, None]
    matrices[:, :3, 3] = start + poses[:, 3:6] - np.einsum("pij,j->pi", matrices[:, :3, :3], centre)
    return matrices


def score(matrices: Array, target: Points, scan: Level) -> Scores:
    """Score poses given as matrices (P, 4, 4), reference mm to scan mm."""
    to_index = np.einsum("ij,pjk->pik", np.linalg.inv(scan.affine), matrices)
    step = max(1, CHUNK_POINTS // len(target.at))
    parts = [_chunk(to_index[i : i + step], target, scan) for i in range(0, len(matrices), step)]
    ncc, overlap = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Scores(ncc * np.minimum(overlap, FULL_OVERLAP) ** OVERLAP_POWER, ncc, overlap)


def _chunk(to_index: Array, target: Points, scan: Level) -> tuple[Array, Array]:
    """NCC and overlap of some poses: weighted correlation over the points, each channel by itself."""
    values = sample_zero(scan.values, _moved(to_index, target.at))
    weight = values[2]
    ncc = [weighted_correlation(values[c], weight, target.values[c]) for c in range(2)]
    overlap = np.einsum("pn->p", weight, dtype=np.float64) / weight.shape[1]
    return (ncc[0] + ncc[1]) / 2, overlap


def _moved(matrices: Array, points: Array) -> Array:
    """Points (N, 3) moved by matrices (P, 4, 4): (P, N, 3).

    The three products are added in the order of `np.einsum` on x86-64, for the same bits, in a third of its time.
    """
    x, y, z = points.T.copy()
    found = np.empty((len(matrices), len(points), 3))
    for axis in range(3):
        a, b, c, shift = matrices[:, axis].T[..., None]
        found[..., axis] = (a * x + c * z) + b * y + shift
    return found


def sample_zero(volume: torch.Tensor, at: Array) -> NDArray[np.float32]:
    """Linear interpolation (C, P, N) of (C, I, J, K) at indices (P, N, 3), with 0 around the volume."""
    last = np.maximum(np.array(volume.shape[1:]) - 1, 1)
    grid = torch.from_numpy(np.ascontiguousarray((at / last * 2 - 1)[..., ::-1], dtype=np.float32))
    sampled = functional.grid_sample(volume[None], grid[None, :, :, None], align_corners=True)
    return np.asarray(sampled[0, ..., 0].numpy())


def weighted_correlation(
    weighted: NDArray[np.float32], weight: NDArray[np.float32], fixed: NDArray[np.float32]
) -> Array:
    """Correlation (P,) over the points of premultiplied values (P, N) with fixed values (N,) or (1, N).

    It is 0 where one side is constant. Numpy sums on one thread: the number of threads does not change the result.
    """
    moving = weighted / np.maximum(weight, np.float32(1e-3))
    fixed = fixed.reshape(-1)
    n = np.maximum(np.einsum("pn->p", weight, dtype=np.float64), 1e-6)
    mean_m = np.einsum("pn->p", weighted, dtype=np.float64) / n
    mean_f = np.einsum("pn,n->p", weight, fixed, dtype=np.float64) / n
    square_m = np.einsum("pn,pn->p", weighted, moving, dtype=np.float64) / n - mean_m**2
    square_f = np.einsum("pn,n->p", weight, fixed**2, dtype=np.float64) / n - mean_f**2
    cross = np.einsum("pn,n->p", weighted, fixed, dtype=np.float64) / n - mean_m * mean_f
    spread = np.sqrt(np.maximum(square_m, 0) * np.maximum(square_f, 0))
    return np.where(spread > 1e-9, cross / np.maximum(spread, 1e-9), 0.0)
