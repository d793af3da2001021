"""Agreement of repeated measurements of the same things: limits of agreement, and the repeatability coefficient.

Of n things measured twice, d are the differences, second minus first. The *limits of agreement* are mean(d) ± 1.96
SD(d) (Bland and Altman, Lancet 327, 1986). Where nothing changed in between, the *within-subject SD* is s_w =
√(mean(d²) / 2), and the *repeatability coefficient* 1.96 √2 s_w is the difference that 95 % of repeated measurements do
not exceed (Bland and Altman, Statistical Methods in Medical Research 8, 1999). Its interval is that of a variance with
n degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NORMAL_95 = 1.96
"""A normal variable lies within this many SDs of its mean with a probability of 95 %."""

FEWEST = 2
"""Pairs without which there is no SD."""


@dataclass(frozen=True)
class Agreement:
    """Pairs, the mean and the SD of their differences, and the limits of agreement."""

    pairs: int
    mean: float
    sd: float

    @property
    def limits(self) -> tuple[float, float]:
        """Mean ± 1.96 SD."""
        return self.mean - NORMAL_95 * self.sd, self.mean + NORMAL_95 * self.sd


@dataclass(frozen=True)
class Repeatability:
    """Pairs of repeats, the within-subject SD, the repeatability coefficient and its 95 % interval."""

    pairs: int
    within_sd: float
    coefficient: float
    interval_95: tuple[float, float]


def agreement(first: ArrayLike, second: ArrayLike) -> Agreement:
    """The agreement of two measurements (n,) of the same things, as second minus first.

    Raises:
        ValueError: lengths differ, there are fewer than two pairs, or a number is not finite.
    """
    d = _differences(first, second)
    return Agreement(d.size, float(d.mean()), float(d.std(ddof=1)))


def repeatability(first: ArrayLike, second: ArrayLike) -> Repeatability:
    """The repeatability of measurements (n,) and their repeats (n,) of what did not change.

    Raises:
        ValueError: as of `agreement`.
    """
    from scipy.stats import chi2  # half a second, which only those pay who count

    d = _differences(first, second)
    coefficient = NORMAL_95 * float(np.sqrt((d**2).mean()))
    low, high = (coefficient * float(np.sqrt(d.size / chi2.ppf(share, d.size))) for share in (0.975, 0.025))
    return Repeatability(d.size, coefficient / (NORMAL_95 * float(np.sqrt(2))), coefficient, (low, high))


def wilcoxon_p(first: ArrayLike, second: ArrayLike) -> float | None:
    """The two-sided p of Wilcoxon's signed-rank test of pairs (n,); None where no pair differs.

    Raises:
        ValueError: as of `agreement`.
    """
    d = _differences(first, second)
    if not d.any():
        return None
    from scipy.stats import wilcoxon

    return float(wilcoxon(d[d != 0]).pvalue)


def _differences(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    """Second minus first (n,), checked."""
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != other.shape or one.size < FEWEST:
        raise ValueError(f"pairs need two lists of one length, {FEWEST} or more, got {one.shape} and {other.shape}")
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise ValueError("a number of the pairs is not finite: leave that pair out.")
    return other - one
