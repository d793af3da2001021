"""The pose of a scan from the positions that a coarse network predicts in it, without a registration before.

The *coarse network* (`locator_input`) is trained on unregistered heads. Each of its predictions matches a point of the
scan with a point of the reference. The robust similarity of all matches (`robust_fit`) is the *pose*, reference mm to
scan mm. If few matches agree, the head may be in any orientation: the 24 rotations that permute the axes can be tried,
and the one with the largest inlier fraction is kept. A *further pass* resamples the scan at the pose and predicts
again. It fits the new and the previous matches together, until the pose no longer moves. The *inlier fraction* is the
share of matches that agree with the pose; it usually separates heads from other inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..geometry.affines import transform_points
from ..geometry.boxes import bounding_box
from ..geometry.coordinates import POSITION_SCALE_MM, grid_affine
from ..geometry.resampling import Shape, resample
from ..networks.patches import cut
from ..networks.position import DensePositionNet
from ..volume import AIR_HU
from .locator_input import FINE_MM, IN_CHANNELS, PATCH_SIZE, STRIDE, WIDTH, coarse_affine, coarse_input
from .robust_fit import Fit, Matches, joined, robust_similarity
from .score import HeadImage

Array = NDArray[np.float64]

SURE = 0.6
"""Smallest inlier fraction of the first pass at which no other orientation is tried."""

SPAN_MM = ((-100.0, 100.0), (-136.0, 112.0), (-128.0, 120.0))
"""Part of reference space that further passes resample: the head, as far as most scans show it."""

FURTHER_PASSES, STILL_MM = 3, 4.0
"""Most further passes, and the movement of the head's outline below which they end."""

FEWEST_MATCHES = 150
"""Fewest matches (0.6 litres of head in view) for a pose: fewer ones can agree by chance."""

HEAD_SHARE = 0.5
"""Smallest share of head in the coarse voxel at the middle of a patch whose prediction counts."""


@dataclass(frozen=True, eq=False)
class CoarseHeadImage:
    """Coarse input (4, I, J, K) of a scan, the share of head in each voxel (I, J, K), and the affine."""

    values: Tensor
    head: Tensor
    affine: Array


@dataclass(frozen=True, eq=False)
class Located:
    """The pose found and the matches of the last pass; `turned` is True if the axes had to be permuted."""

    fit: Fit
    matches: Matches
    turned: bool


def coarse_network(width: int = WIDTH) -> DensePositionNet:
    """The coarse network, untrained."""
    return DensePositionNet(width, PATCH_SIZE, IN_CHANNELS)


def locate(network: DensePositionNet, scan: HeadImage, turned: bool = True) -> Located | None:
    """Find the pose of the reference in a scan; None if the scan shows too little of a head.

    With `turned`, heads may be in any orientation. This costs 2 CPU-seconds if few predictions agree at first.
    """
    coarse = coarse_head_image(scan)
    first = match(network, coarse)
    if len(first) < FEWEST_MATCHES:
        return None
    fit, permuted = robust_similarity(first), False
    if turned and fit.inlier_fraction < SURE:
        for rotation in axis_rotations():
            other = match(network, coarse, rotation)
            found = robust_similarity(other)
            if found.inlier_fraction > fit.inlier_fraction:
                first, fit, permuted = other, found, not np.array_equal(rotation, np.eye(3))
    return _upright(network, scan, first, fit, permuted)


def _upright(network: DensePositionNet, scan: HeadImage, last: Matches, fit: Fit, turned: bool) -> Located:
    """Run the further passes: each resamples the scan at the latest pose, and fits its matches and earlier ones."""
    for _ in range(FURTHER_PASSES):
        before, last = last, further_pass(network, scan, fit.matrix)
        if len(last) < FEWEST_MATCHES:
            return Located(fit, before, turned)
        old, fit = fit, robust_similarity(joined(before, last))
        if outline_gap_mm(old.matrix, fit.matrix) < STILL_MM:
            break
    return Located(fit, last, turned)


def outline_gap_mm(one: Array, other: Array) -> float:
    """Root mean square distance, mm, between the outlines of the head under two poses (4, 4)."""
    outline = np.array(list(itertools.product((-60.0, 60.0), repeat=3)))
    gaps = transform_points(one, outline) - transform_points(other, outline)
    return float(np.sqrt((gaps**2).sum(axis=1).mean()))


def coarse_head_image(scan: HeadImage) -> CoarseHeadImage:
    """The coarse input of a head image at 2 mm."""
    hu, known, head = (torch.from_numpy(np.ascontiguousarray(part)) for part in (scan.hu, scan.known, scan.head))
    return CoarseHeadImage(coarse_input(hu, known), _share(head & known), coarse_affine(scan.affine))


def _share(mask: Tensor) -> Tensor:
    """The share (I', J', K') of a mask (I, J, K) in each coarse voxel."""
    odd = [size % 2 for size in mask.shape]
    return functional.avg_pool3d(functional.pad(mask[None].float(), [0, odd[2], 0, odd[1], 0, odd[0]]), 2)[0]


def axis_rotations() -> Iterator[Array]:
    """The 24 rotation matrices (3, 3) that permute and flip the axes; the identity comes first."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                yield matrix


@torch.no_grad()
def match(network: DensePositionNet, image: CoarseHeadImage, rotation: Array | None = None) -> Matches:
    """Matches of a coarse head image, rotated (3, 3) by a permutation of its axes if `rotation` is given.

    Every fourth voxel of the head along each axis is the middle of a patch; voxels outside the image are unknown.
    """
    values, head, to_index = turned_axes(image, np.eye(3) if rotation is None else rotation)
    box = bounding_box((head >= HEAD_SHARE).numpy())
    first = np.array([part.start for part in box])
    count = [-(-(part.stop - part.start) // STRIDE) for part in box]
    if 0 in count:
        return Matches(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    inputs = cut(values, (first - PATCH_SIZE // 2).tolist(), [STRIDE * (n - 1) + PATCH_SIZE for n in count])
    inputs = inputs[None].contiguous(memory_format=torch.channels_last_3d)
    positions = network.eval().dense(inputs, STRIDE)[0].numpy().astype(np.float64)
    share = head[box][::STRIDE, ::STRIDE, ::STRIDE].numpy().astype(np.float64)
    counts = share >= HEAD_SHARE
    points = transform_points(image.affine @ to_index, np.argwhere(counts) * float(STRIDE) + first)
    return Matches(points, positions[:, counts].T * POSITION_SCALE_MM + grid_affine()[:3, 3], share[counts])


def turned_axes(image: CoarseHeadImage, rotation: Array) -> tuple[Tensor, Tensor, Array]:
    """Values and head of an image with permuted and flipped axes, and the matrix (4, 4) from new to old index.

    Axis `a` of the new image runs along the direction that `rotation` maps onto axis `a`.
    """
    order = [int(np.argmax(np.abs(row))) for row in rotation]
    flips = [axis for axis in range(3) if rotation[axis, order[axis]] < 0]
    head = image.head.permute(order).flip(flips)
    values = image.values.permute(0, *(axis + 1 for axis in order)).flip([axis + 1 for axis in flips])
    to_index = np.eye(4)
    to_index[:3, :3] = rotation.T
    for axis in flips:
        to_index[order[axis], 3] = head.shape[axis] - 1
    return values, head, to_index


def further_pass(network: DensePositionNet, scan: HeadImage, pose: Array) -> Matches:
    """Matches of a scan resampled at a pose (4, 4), reference mm to scan mm; its points are in scan mm."""
    low = np.array([ends[0] for ends in SPAN_MM])
    size = [int((ends[1] - ends[0]) / FINE_MM) for ends in SPAN_MM]
    grid = np.diag([FINE_MM] * 3 + [1.0])
    grid[:3, 3] = low + FINE_MM / 2
    shape: Shape = (size[0], size[1], size[2])
    source = np.stack([scan.hu - np.float32(AIR_HU), scan.known, scan.head & scan.known]).astype(np.float32)
    moved = resample(torch.from_numpy(source), np.linalg.inv(pose) @ scan.affine, shape, grid)
    known = moved[1] > 0.5
    values = coarse_input(moved[0] + AIR_HU, known)
    found = match(network, CoarseHeadImage(values, _share(moved[2]), coarse_affine(grid)))
    return Matches(transform_points(pose, found.scan), found.reference, found.weight)
