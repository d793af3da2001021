"""The multi-start search for a head's pose, from anywhere within about 40 degrees and with much of the head cut off.

Words and score: see `score`. The search starts at the identity orientation (DICOM's) with the centre of the head,
the centroid of the head within 130 mm below the vertex, on the reference's. It scores 125 rotations x 21 shifts x 3
scales at 8 mm on about 1,500 points, refines the six best distinct ones with seven degrees of freedom, and the best of
these at 4 mm.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pattern_search import pattern_search
from .robust_fit import SCALE_BOUNDS, scale_of
from .score import Array, HeadImage, Level, Points, level, points, pose_matrices, score

HEIGHT_MM = 130.0
"""Height of the part below the vertex whose centroid is the centre of the head: neck and chin don't move it."""

ANGLES_DEG = (-36.0, -18.0, 0.0, 18.0, 36.0)
"""Rotations tried about each of the three axes."""

SHIFTS_MM = tuple(itertools.product((0.0,), (-14.0, 0.0, 14.0), (-42.0, -28.0, -14.0, 0.0, 14.0, 28.0, 42.0)))
"""Shifts tried: mostly along the body axis, along which scans are cut."""

SCALES = (0.88, 0.96, 1.05)
"""Head sizes tried, relative to the reference."""

COARSE_MM, FINE_MM = 8.0, 4.0
"""Resolutions of the search and of the last refinement."""

COARSE_POINTS, FINE_POINTS = 1500, 6000
"""Points at these resolutions."""

KEPT = 6
"""Distinct poses that are refined."""

DISTINCT_MM = 15.0
"""Poses that move the head's outline by less than this (root mean square) are one pose."""

COARSE_STEP = np.array([np.deg2rad(8.0)] * 3 + [7.0] * 3 + [0.04])
"""First step of the refinement at 8 mm, per parameter."""

FINE_STEP = COARSE_STEP / 4
"""First step of the refinement at 4 mm."""


@dataclass(frozen=True)
class Target:
    """The reference as the search needs it: points at both resolutions."""

    coarse: Points
    fine: Points


@dataclass(frozen=True)
class Found:
    """The pose found: matrix (4, 4) from reference mm to scan mm, its scale included, and its score."""

    matrix: Array
    scale: float
    score: float


def head_centre(head: NDArray[np.bool_], affine: Array) -> Array:
    """Centroid (3,) in mm of the part of a head mask that lies within 130 mm below its vertex.

    Raises:
        ValueError: the mask is empty.
    """
    index = np.argwhere(head)
    if len(index) == 0:
        raise ValueError("no head was found: nothing thicker than 8 mm lies above -300 HU. Check the HU of the scan.")
    world = index @ affine[:3, :3].T + affine[:3, 3]
    height = world[:, 2]
    centre: Array = world[height >= height.max() - HEIGHT_MM].mean(axis=0)
    return centre


def search_target(reference: HeadImage, mask: NDArray[np.bool_]) -> Target:
    """Points of a reference head image within its head mask (on the same grid), for `search`."""
    centre = head_centre(reference.head, reference.affine)
    coarse = points(reference, mask, centre, COARSE_MM, COARSE_POINTS)
    return Target(coarse, points(reference, mask, centre, FINE_MM, FINE_POINTS))


def search(target: Target, scan: HeadImage) -> Found:
    """Find the pose of the reference in a scan.

    Raises:
        ValueError: the scan shows no head.
    """
    start = head_centre(scan.head, scan.affine)
    coarse, fine = level(scan, COARSE_MM), level(scan, FINE_MM)
    poses = start_poses()
    scores = score(pose_matrices(poses, target.coarse.centre, start), target.coarse, coarse).score
    best = distinct(poses, scores, KEPT)
    refined, refined_scores = climb(best, COARSE_STEP, target.coarse, coarse, start, rounds=14)
    winner = refined[[int(np.argmax(refined_scores))]]
    final, final_score = climb(winner, FINE_STEP, target.fine, fine, start, rounds=12)
    matrix = pose_matrices(final, target.fine.centre, start)[0]
    return Found(matrix, float(np.exp(final[0, 6])), float(final_score[0]))


def climb_from(target: Target, scan: HeadImage, pose: Array) -> Found:
    """The pose to which the search at 4 mm climbs from a nearby pose (4, 4), in any orientation of the head.

    The pose brings the scan into reference space; the climb looks for a small similarity there. The size of the head
    stays inside `SCALE_BOUNDS`, whatever the scale of the pose was.
    """
    fine = level(scan, FINE_MM)
    upright = Level(fine.values, np.linalg.inv(pose) @ fine.affine)
    centre = target.fine.centre
    low, high = (bound / scale_of(pose) for bound in SCALE_BOUNDS)
    final, final_score = climb(np.zeros((1, 7)), FINE_STEP, target.fine, upright, centre, 12, (low, high))
    matrix = pose @ pose_matrices(final, centre, centre)[0]
    return Found(matrix, scale_of(matrix), float(final_score[0]))


def start_poses() -> Array:
    """All poses (7875, 7) of the grid."""
    angles = np.deg2rad(list(itertools.product(ANGLES_DEG, repeat=3)))
    sizes = np.log(SCALES)
    rows = [[*a, *t, s] for a, t, s in itertools.product(angles, SHIFTS_MM, sizes)]
    return np.array(rows)


def distinct(poses: Array, scores: Array, count: int) -> Array:
    """The `count` best poses (count, 7) that differ from each other by more than 15 mm on the head's outline."""
    ring = np.array(list(itertools.product((-60.0, 60.0), repeat=3)))
    order = np.argsort(-scores, kind="stable")[:500]
    matrices = pose_matrices(poses[order], np.zeros(3), np.zeros(3))
    outline = np.einsum("pij,nj->pni", matrices[:, :3, :3], ring) + matrices[:, None, :3, 3]
    kept: list[int] = []
    for i in range(len(order)):
        gaps = [float(np.sqrt(np.mean(np.sum((outline[i] - outline[j]) ** 2, -1)))) for j in kept]
        if all(gap > DISTINCT_MM for gap in gaps):
            kept.append(i)
        if len(kept) == count:
            break
    return poses[order[kept]]


def climb(
    poses: Array,
    step: Array,
    target: Points,
    scan: Level,
    start: Array,
    rounds: int,
    scale_bounds: tuple[float, float] = SCALE_BOUNDS,
) -> tuple[Array, Array]:
    """Refined poses (P, 7), their scales inside the bounds, and their scores (P,) after at most `rounds` rounds."""
    limits = np.full((2, 7), [[-np.inf], [np.inf]])
    limits[:, 6] = np.log(scale_bounds)

    def scores(some: Array) -> Array:
        flat = pose_matrices(some.reshape(-1, 7), target.centre, start)
        return score(flat, target, scan).score.reshape(some.shape[:-1])

    return pattern_search(scores, poses, step, limits, rounds)
