"""ROC curves, how sure an AUROC is, and whether two of them differ.

Items, scores, labels and AUROC are those of `statistics`; an item is found when its score is above a threshold. A *ROC
curve* is the sensitivity and the specificity at every threshold that makes a difference.

*Hanley and McNeil's* standard error of an AUROC A of p anomalous and n healthy items (Radiology 143, 1982) is the root
of (A (1 - A) + (p - 1) (Q1 - A^2) + (n - 1) (Q2 - A^2)) / (p n), with Q1 = A / (2 - A) and Q2 = 2 A^2 / (1 + A).

*DeLong's test* compares two scores of the same items (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988). An
anomalous item's *placement* is the share of healthy items that score lower, a healthy item's that of anomalous items
that score higher, ties counting half; both have the AUROC as their mean, and the variance of the difference of two
AUROCs is that of the differences of placements.

The hemispheres of one head are not independent, as that variance has it. *Obuchowski's* (Biometrics 53, 1997) takes
*clusters* of items, heads say, for independent instead. With a_c and h_c the sums over the anomalous and the healthy
items of cluster c of how far a placement is from the mean, of m and n items, and I, I_a, I_h clusters, of which have
anomalous, have healthy items, it is

    I_a / (I_a - 1) sum a_c^2 / m^2  +  I_h / (I_h - 1) sum h_c^2 / n^2  +  2 I / (I - 1) sum a_c h_c / (m n),

which is DeLong's where each item is a cluster of its own.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .auroc import OneKindOnly, checked

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
    """Comparison of two scores of the same items: AUROCs, their difference (first minus second), DeLong's test.

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
    from scipy.stats import norm  # half a second, which only those pay who count

    reach = float(norm.ppf((1 + level) / 2)) * hanley_mcneil_error(auroc, positives, negatives)
    return max(0.0, auroc - reach), min(1.0, auroc + reach)


def delong_test(
    first: ArrayLike, second: ArrayLike, labels: ArrayLike, clusters: Sequence[Hashable] | None = None
) -> Difference:
    """DeLong's test of two scores (n,) of the same items with labels (n,), true where anomalous.

    Args:
        first: one score of each item.
        second: another score of each item.
        labels: of the items.
        clusters: the cluster of each item (n,), its head say, with which the variance is Obuchowski's; if not given,
            items are taken for independent.

    Raises:
        OneKindOnly: all labels are the same.
        ValueError: lengths differ, a score is not finite, or fewer than two clusters have items of a kind.
    """
    pairs = [_both_kinds(scores, labels) for scores in (first, second)]
    anomalous = checked(first, labels)[1]
    groups = _numbered(range(anomalous.size) if clusters is None else clusters)
    if not pairs[0][0].size == pairs[1][0].size == anomalous.size - pairs[1][1].size or groups.size != anomalous.size:
        raise ValueError("both scores, and clusters, must be of the same items")
    of_healthy, of_anomalous = (np.stack(parts) for parts in zip(*map(_placements, pairs), strict=True))
    counts = [np.unique(groups[kind]).size for kind in (~anomalous, anomalous)]
    if min(counts) < 2:
        what = "items" if clusters is None else "clusters with such items"
        raise ValueError(f"DeLong's test needs two healthy and two anomalous {what}, got {counts[0]} and {counts[1]}.")
    aurocs = of_anomalous.mean(axis=1)
    variance = _clustered_variance(
        (of_healthy[0] - of_healthy[1], of_anomalous[0] - of_anomalous[1]), (groups[~anomalous], groups[anomalous])
    )
    from scipy.stats import norm

    difference, error = float(aurocs[0] - aurocs[1]), math.sqrt(max(variance, 0.0))
    z = difference / error if error > 0 else math.copysign(math.inf, difference) if difference else 0.0
    return Difference(float(aurocs[0]), float(aurocs[1]), difference, error, z, float(2 * norm.sf(abs(z))))


def _numbered(clusters: Sequence[Hashable]) -> NDArray[np.intp]:
    """A number from 0 on for each item's cluster."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters], dtype=np.intp)


def _clustered_variance(parts: tuple[Array, Array], groups: tuple[NDArray[np.intp], NDArray[np.intp]]) -> float:
    """Obuchowski's variance of the mean of placements, or of differences of them, of healthy and anomalous items."""
    total = 1 + int(max(numbers.max() for numbers in groups))
    away = [np.bincount(numbers, part - part.mean(), total) for part, numbers in zip(parts, groups, strict=True)]
    counts = [np.unique(numbers).size for numbers in groups]
    alone = sum(
        count / (count - 1) * float((sums**2).sum()) / part.size**2
        for sums, count, part in zip(away, counts, parts, strict=True)
    )
    together = total / (total - 1) * float((away[0] * away[1]).sum()) / (parts[0].size * parts[1].size)
    return alone + 2 * together


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
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([healthy, anomalous]))
    lower_than_healthy = ranks[: healthy.size] - rankdata(healthy)
    lower_than_anomalous = ranks[healthy.size :] - rankdata(anomalous)
    return 1 - lower_than_healthy / anomalous.size, lower_than_anomalous / healthy.size
