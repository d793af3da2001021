"""A robust similarity: the one that most matched points agree on, regardless of outliers.

A *match* is a point of the scan (mm), the point of the reference (mm) that was predicted for it, and a weight. A
*similarity* is a matrix (4, 4), x -> s R x + t. Its least-squares fit is Umeyama's closed form (IEEE PAMI 13, 1991).
The *robust* fit has two steps. RANSAC (Fischler and Bolles, CACM 24, 1981) fits random samples of few matches and
keeps the similarity with the most *inliers*: matches with a residual under 15 mm. Iteratively reweighted least squares
then fits all matches, with Geman and McClure's weights 1 / (1 + (residual / c)^2)^2. Random numbers come from a fixed
seed: the same matches give the same similarity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INLIER_MM = 15.0
"""Residual, in reference mm, under which a match agrees with a similarity."""

TRIALS, SAMPLED = 500, 4
"""Number of random similarities, and of matches in the sample of each."""

JUDGED = 1200
"""Most matches on which the inliers of a random similarity are counted."""

ROUNDS = 20
"""Rounds of the reweighted fit."""

WIDTHS_MM = (16.0, 8.0)
"""The c of the weights in the first and in the last round; it shrinks evenly."""

SCALE_BOUNDS = (0.75, 1.3)
"""Bounds of the size of the scanned head relative to the reference: beyond them the reference does not apply."""

SEED = 20220707
"""Seed of the random trials."""

FEWEST = 12
"""Fewest matches for a fit."""


@dataclass(frozen=True, eq=False)
class Matches:
    """Points (N, 3) of the scan in mm, the predicted points (N, 3) of the reference in mm, and weights (N,)."""

    scan: Array
    reference: Array
    weight: Array

    def __len__(self) -> int:
        return len(self.weight)


@dataclass(frozen=True, eq=False)
class Fit:
    """A similarity (4, 4), reference mm to scan mm, its scale, and the weighted share of inliers."""

    matrix: Array
    scale: float
    inlier_fraction: float


def joined(*parts: Matches) -> Matches:
    """All matches of several sets."""
    return Matches(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("scan", "reference", "weight")))


def robust_similarity(matches: Matches) -> Fit:
    """The similarity that most matches agree on.

    Raises:
        ValueError: there are fewer than 12 matches.
    """
    if len(matches) < FEWEST:
        raise ValueError(f"a pose needs {FEWEST} predicted positions, got {len(matches)}: the head is hardly in view.")
    matrix = _best_trial(matches)
    for width in np.linspace(*WIDTHS_MM, ROUNDS):
        weight = matches.weight / (1 + (residuals(matrix, matches) / width) ** 2) ** 2
        matrix = similarities(matches.scan[None], matches.reference[None], weight[None])[0]
    pose = np.linalg.inv(matrix).astype(np.float64)
    return Fit(pose, scale_of(pose), agreement(pose, matches))


def scale_of(matrix: Array) -> float:
    """The scale of a similarity (4, 4)."""
    return float(np.cbrt(np.linalg.det(matrix[:3, :3])))


def residuals(matrix: Array, matches: Matches) -> Array:
    """Distances (N,), mm, of the scan's points from the predicted ones after a similarity from scan to reference."""
    moved = matches.scan @ matrix[:3, :3].T + matrix[:3, 3]
    return np.asarray(np.linalg.norm(moved - matches.reference, axis=1))


def agreement(pose: Array, matches: Matches) -> float:
    """The weighted share of matches whose residual at a pose (4, 4), reference mm to scan mm, is less than 15 mm."""
    inlier = residuals(np.asarray(np.linalg.inv(pose)), matches) < INLIER_MM
    return float(matches.weight[inlier].sum() / max(matches.weight.sum(), 1e-12))


def similarities(source: Array, target: Array, weight: Array) -> Array:
    """Weighted least-squares similarities (B, 4, 4) from points (B, n, 3) to points (B, n, 3), weights (B, n).

    The scale is bounded: its inverse, the size of the scanned head, stays inside `SCALE_BOUNDS`.
    """
    total = np.maximum(weight.sum(axis=1), 1e-12)[:, None]
    share = (weight / total)[..., None]
    mean_s, mean_t = (source * share).sum(axis=1), (target * share).sum(axis=1)
    a, b = source - mean_s[:, None], target - mean_t[:, None]
    u, singular, vt = np.linalg.svd(np.swapaxes(b * share, 1, 2) @ a)
    sign = np.ones_like(singular)
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    spread = np.maximum((a**2 * share).sum(axis=(1, 2)), 1e-12)
    low, high = SCALE_BOUNDS
    scale = np.clip((singular * sign).sum(axis=1) / spread, 1 / high, 1 / low)
    matrices = np.tile(np.eye(4), (len(source), 1, 1))
    matrices[:, :3, :3] = scale[:, None, None] * ((u * sign[:, None, :]) @ vt)
    matrices[:, :3, 3] = mean_t - np.einsum("bij,bj->bi", matrices[:, :3, :3], mean_s)
    return matrices


def _best_trial(matches: Matches) -> Array:
    """The random similarity, scan to reference, with the largest weight of inliers."""
    rng = np.random.default_rng(SEED)
    chance = matches.weight / matches.weight.sum()
    chosen = rng.choice(len(matches), size=(TRIALS, SAMPLED), p=chance)
    trials = similarities(matches.scan[chosen], matches.reference[chosen], np.ones(chosen.shape))
    judged = rng.choice(len(matches), size=min(JUDGED, len(matches)), replace=False)
    inlier = _squared_residuals(trials, matches.scan[judged], matches.reference[judged]) < INLIER_MM**2
    return np.asarray(trials[int(np.argmax(inlier @ matches.weight[judged]))])


def _squared_residuals(matrices: Array, source: Array, target: Array) -> Array:
    """Squared distances (B, n) from points (n, 3) to where similarities (B, 4, 4) bring other points (n, 3).

    Coordinate by coordinate, which takes a tenth of the time of one product of all.
    """
    total = np.zeros((len(matrices), len(source)))
    for row in range(3):
        x, y, z, shift = (matrices[:, row, column, None] for column in range(4))
        total += (x * source[:, 0] + y * source[:, 1] + z * source[:, 2] + shift - target[:, row]) ** 2
    return total
