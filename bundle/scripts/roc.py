"""ROC curves, how sure an AUROC is, and whether two of them differ.

Items, scores, labels and AUROC are those of `statistics`; an item is found when its score is above a threshold. A *ROC
curve* is the sensitivity and the specificity at every threshold that makes a difference.

*Hanley and McNeil's* standard error of an AUROC A of p anomalous and n healthy items (Radiology 143, 1982) is the root
of (A (1 - A) + (p - 1) (Q1 - A^2) + (n - 1) (Q2 - A^2)) / (p n), with Q1 = A / (2 - A) and Q2 = 2 A^2 / (1 + A).

*DeLong's test* compares two scores of the same items (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988). An
anomalous item's *placement* is the share of healthy items that score lower, a healthy item's that of anomalous items
that score higher, ties counting half; both have the AUROC as their mean, and the variance of the difference of two
AUROCs is that of the differences of placements. It takes items for independent of one another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from .statistics import OneKindOnly, checked

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RocCurve:
    """Thresholds (k,) from high to low, with sensitivity and specificity (k,), each 0 to 1, at each of them.

    At the first nothing is found, at the last, just below the lowest score, everything.
    """

    threshold: Array
    sensitivity: Array
    specificity: Array


@dataclass(frozen=True)
class Difference:
    """How two scores of the same items compare: their AUROCs, the first less the second, and DeLong's test of that.

    `p` is two-sided: the probability of a difference at least as large if there were none.
    """

    first: float
    second: float
    difference: float
    standard_error: float
    z: float
    p: float


def roc_curve(scores: ArrayLike, labels: ArrayLike) -> RocCurve:
    """The ROC curve of scores (n,) for labels (n,), true where anomalous.

    Raises:
        OneKindOnly: all labels are the same.
        ValueError: lengths differ, or a score is not finite.
    """
    healthy, anomalous = _both_kinds(scores, labels)
    levels = np.unique(np.concatenate([healthy, anomalous]))[::-1]
    threshold = np.append(levels, np.nextafter(levels[-1], -np.inf))
    missed = np.searchsorted(np.sort(anomalous), threshold, side="right") / anomalous.size
    passed = np.searchsorted(np.sort(healthy), threshold, side="right") / healthy.size
    return RocCurve(threshold, 1 - missed, passed)


def hanley_mcneil_error(auroc: float, positives: int, negatives: int) -> float:
    """Hanley and McNeil's standard error of an AUROC (0 to 1) of so many anomalous and healthy items.

    Raises:
        ValueError: the AUROC is not between 0 and 1, or items of one kind are missing.
    """
    if not 0 <= auroc <= 1 or positives < 1 or negatives < 1:
        raise ValueError(
            f"an AUROC from 0 to 1 of at least one item of each kind is needed, got {auroc} of {positives} and "
            f"{negatives}"
        )
    first, second = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    spread = (
        auroc * (1 - auroc) + (positives - 1) * (first - auroc**2) + (negatives - 1) * (second - auroc**2)
    ) / (positives * negatives)
    return math.sqrt(max(spread, 0.0))


def hanley_mcneil_interval(auroc: float, positives: int, negatives: int, level: float = 0.95) -> tuple[float, float]:
    """The interval (low, high), inside 0 to 1, that Hanley and McNeil's standard error gives an AUROC at a level.

    Raises:
        ValueError: as `hanley_mcneil_error`.
    """
    reach = float(norm.ppf((1 + level) / 2)) * hanley_mcneil_error(auroc, positives, negatives)
    return max(0.0, auroc - reach), min(1.0, auroc + reach)


def delong_test(first: ArrayLike, second: ArrayLike, labels: ArrayLike) -> Difference:
    """DeLong's test of two scores (n,) of the same items with labels (n,), true where anomalous.

    Raises:
        OneKindOnly: all labels are the same.
        ValueError: lengths differ, a score is not finite, or fewer than two items are of a kind.
    """
    pairs = [_both_kinds(scores, labels) for scores in (first, second)]
    if len({(healthy.size, anomalous.size) for healthy, anomalous in pairs}) != 1:
        raise ValueError("both scores must be of the same items")
    healthy, anomalous = pairs[0]
    if min(healthy.size, anomalous.size) < 2:
        raise ValueError(
            f"DeLong's test needs two healthy and two anomalous items, got {healthy.size} and {anomalous.size}."
        )
    of_healthy, of_anomalous = (np.stack(parts) for parts in zip(*map(_placements, pairs), strict=True))
    aurocs = of_anomalous.mean(axis=1)
    variance = sum(float(np.var(part[0] - part[1], ddof=1)) / part.shape[1] for part in (of_healthy, of_anomalous))
    difference, error = float(aurocs[0] - aurocs[1]), math.sqrt(variance)
    z = difference / error if error > 0 else math.copysign(math.inf, difference) if difference else 0.0
    return Difference(float(aurocs[0]), float(aurocs[1]), difference, error, z, float(2 * norm.sf(abs(z))))


def _both_kinds(scores: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    """Scores of the healthy and of the anomalous items."""
    values, anomalous = checked(scores, labels)
    if anomalous.all() or not anomalous.any():
        counts = int((~anomalous).sum()), int(anomalous.sum())
        raise OneKindOnly(f"A ROC curve needs healthy and anomalous items, got {counts[0]} and {counts[1]}.")
    return values[~anomalous], values[anomalous]


def _placements(kinds: tuple[Array, Array]) -> tuple[Array, Array]:
    """Placements of the healthy and of the anomalous items."""
    healthy, anomalous = kinds
    ranks = rankdata(np.concatenate([healthy, anomalous]))
    lower_than_healthy = ranks[: healthy.size] - rankdata(healthy)
    lower_than_anomalous = ranks[healthy.size :] - rankdata(anomalous)
    return 1 - lower_than_healthy / anomalous.size, lower_than_anomalous / healthy.size
