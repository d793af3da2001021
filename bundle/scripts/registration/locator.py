"""The method registers its own input: the pose of a scan from the positions that a coarse network predicts in it.

The *coarse network* (`locator_input`) is trained on heads that nobody has registered. Each of its predictions matches a
point of the scan with a point of the reference, and the robust similarity of all of them (`robust_fit`) is the *pose*,
reference mm to scan mm. Where few of them agree, the head may lie in any way: the 24 rotations that permute the axes
can be tried, and the one with the most inliers is kept. A *further pass* resamples the scan at the pose, predicts
again, and fits these matches and those before, until the pose stays where it is. The *inlier fraction*, the share of
the last matches that agree with the pose, tells heads from what is none, as a rule.
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
"""Inlier fraction of the first pass from which no other orientation is tried."""

SPAN_MM = ((-100.0, 100.0), (-136.0, 112.0), (-128.0, 120.0))
"""The part of reference space that further passes look at: the head, as far as it is in most scans."""

FURTHER_PASSES, STILL_MM = 3, 4.0
"""Most further passes, and the movement of the head's outline below which there is no need for one more."""

FEWEST_MATCHES = 150
"""A head of which fewer places are in view (0.6 litres of them) can't be found, and a few are easily agreed upon."""

HEAD_SHARE = 0.5
"""A prediction counts where the coarse voxel in the middle of its patch is head to this share, at least."""


@dataclass(frozen=True, eq=False)
class CoarseHeadImage:
    """Coarse input (4, I, J, K) of a scan, the share of head in each voxel (I, J, K), and the affine."""

    values: Tensor
    head: Tensor
    affine: Array


@dataclass(frozen=True, eq=False)
class Located:
    """The pose that was found and the last pass's matches; `turned` says whether the axes had to be permuted."""

    fit: Fit
    matches: Matches
    turned: bool


def coarse_network(width: int = WIDTH) -> DensePositionNet:
    """The coarse network, untrained."""
    return DensePositionNet(width, PATCH_SIZE, IN_CHANNELS)


def locate(network: DensePositionNet, scan: HeadImage, turned: bool = True) -> Located | None:
    """Find the pose of the reference in a scan; None where the scan shows too little of a head.

    Heads may lie in any way if they may be `turned`, which costs 2 CPU-seconds where few predictions agree at first.
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
    """The further passes: each resamples the scan at the pose so far, and fits its matches and those before."""
    for _ in range(FURTHER_PASSES):
        before, last = last, further_pass(network, scan, fit.matrix)
        if len(last) < FEWEST_MATCHES:
            return Located(fit, before, turned)
        old, fit = fit, robust_similarity(joined(before, last))
        if outline_gap_mm(old.matrix, fit.matrix) < STILL_MM:
            break
    return Located(fit, last, turned)


def outline_gap_mm(one: Array, other: Array) -> float:
    """Root mean square distance between where two poses (4, 4) bring the outline of the head."""
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
    """Matches of a coarse head image, seen by the network after a rotation of its axes (3, 3) if one is given.

    Every fourth voxel of the head along each axis is the middle of a patch; around the image everything is unknown.
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
    """Values and head of an image whose axes were permuted and flipped, and the matrix (4, 4), new index to old index.

    Axis `a` of the new image runs along the world direction that `rotation` brings onto axis `a`.
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
    """Matches of the scan after it was resampled at a pose (4, 4), reference mm to scan mm; points are in scan mm."""
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
