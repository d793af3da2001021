"""The standing of a score among healthy ones: how many lie below it, and the interval of that share.

The *interval* is that of Clopper and Pearson (Biometrika 26, 1934), the exact one of a binomial share. Scores that
belong together, those of a scan's two hemispheres say, count as one scan: the interval of `per_scan` scores a scan is
that of so many times fewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.95
"""Confidence of an interval."""


@dataclass(frozen=True)
class Standing:
    """Number of healthy scores below a score, of how many, and the interval of the share, in percent."""

    below: int
    healthy: int
    low: float
    high: float

    def numbers(self) -> dict[str, float | int]:
        """The four numbers as `score_details` has them."""
        return {
            "healthy_below": self.below,
            "healthy_scores": self.healthy,
            "percentile_low": self.low,
            "percentile_high": self.high,
        }


UNKNOWN: dict[str, float | int | None] = dict.fromkeys(Standing(0, 1, 0.0, 0.0).numbers())
"""The four numbers where there is nothing to compare with."""


def standing(score: float, healthy_scores: ArrayLike, per_scan: int = 1) -> Standing:
    """The standing of a score among healthy scores (n,), of which `per_scan` belong to one scan.

    Raises:
        ValueError: there is no healthy score.
    """
    values = np.asarray(healthy_scores, dtype=np.float64)
    if not values.size:
        raise ValueError("A standing needs healthy scores, got none.")
    below = int((values < score).sum())
    low, high = clopper_pearson(below / per_scan, values.size / per_scan)
    return Standing(below, values.size, round(100 * low, 1), round(100 * high, 1))


def separated_interval(low: float, high: float, fewer: int) -> tuple[float, float]:
    """The bootstrap interval of an AUROC; of samples that are separated perfectly, an honest one.

    Every draw from such samples is perfect, so that the bootstrap gives [1, 1] (or [0, 0]) however few they are. Then
    the interval is the exact one of as many successes (failures) in a row as the rarer kind has items, `fewer`.
    """
    if low == high == 1:
        return clopper_pearson(fewer, fewer)
    if low == high == 0:
        return clopper_pearson(0, fewer)
    return low, high


def clopper_pearson(found: float, total: float, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval (0 to 1) of a share of `found` in `total`.

    Raises:
        ValueError: the share is not from 0 to 1, or the total not above 0.
    """
    if not (total > 0 and 0 <= found <= total):
        raise ValueError(f"a share needs 0 <= found <= total and a total above 0, got {found} of {total}")
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = float(betaincinv(found, total - found + 1, tail)) if found > 0 else 0.0
    high = float(betaincinv(found + 1, total - found, 1 - tail)) if found < total else 1.0
    return low, high
