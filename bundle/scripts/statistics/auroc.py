"""AUROC and related measures of how well scores separate anomalous from healthy regions, with their uncertainty.

An *item* is a region of a scan with a *score* (higher: more anomalous) and a *label* (true: anomalous). It counts as
*found* when its score is above a threshold. *AUROC* is the probability that an anomalous item scores higher than a
healthy one, ties counting half (Hanley and McNeil, Radiology 143, 1982). The *percentile among healthy scans* of a
score is the share, in percent, of healthy items that score lower, ties counting half.

Items of one anatomy, or of one scan, are not independent. The *clustered bootstrap* therefore draws whole clusters with
replacement, then units (scans, say) with replacement inside each of them, and takes all items of the units it drew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_ROUNDS_SHARE = 0.5
"""Share of the bootstrap's rounds that must have both kinds of items for its interval to mean anything."""

Indices = NDArray[np.intp]

Statistic = Callable[[Indices], float]
"""A number from the items with these indices (k,); an index comes more than once where it was drawn more than once."""


class OneKindOnly(ValueError):
    """All items are healthy, or all are anomalous: there is nothing to tell apart."""


def auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """AUROC (0 to 1) of scores (n,) for labels (n,), true where anomalous.

    Raises:
        OneKindOnly: all labels are the same.
        ValueError: lengths differ, or a score is not finite.
    """
    values, anomalous = checked(scores, labels)
    positive = int(anomalous.sum())
    negative = anomalous.size - positive
    if not (positive and negative):
        raise OneKindOnly(f"AUROC needs healthy and anomalous items, got {negative} and {positive}.")
    from scipy.stats import rankdata  # half a second, which only those pay who count

    ranks = float(rankdata(values)[anomalous].sum())
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


def threshold_at_specificity(healthy_scores: ArrayLike, specificity: float = 0.95) -> float:
    """The lowest of the healthy scores (n,) that at least this share (0 to 1) of them does not exceed.

    Raises:
        ValueError: there is no score, one is not finite, or the share is not above 0 and at most 1.
    """
    values, _ = checked(healthy_scores, np.zeros(np.shape(healthy_scores)))
    if not values.size:
        raise ValueError("A threshold needs healthy scores, got none.")
    if not 0 < specificity <= 1:
        raise ValueError(f"specificity must be above 0 and at most 1, got {specificity}")
    needed = int(np.ceil(specificity * values.size - 1e-9))
    return float(np.sort(values)[needed - 1])


def sensitivity_at(threshold: float, scores: ArrayLike, labels: ArrayLike) -> float:
    """Share (0 to 1) of the anomalous items whose score is above the threshold.

    Raises:
        OneKindOnly: no item is anomalous.
        ValueError: lengths differ, or a score is not finite.
    """
    values, anomalous = checked(scores, labels)
    if not anomalous.any():
        raise OneKindOnly(f"Sensitivity needs an anomalous item, got {anomalous.size} healthy ones.")
    return float((values[anomalous] > threshold).mean())


def percentile_among(score: float, healthy_scores: ArrayLike) -> float:
    """Percentile (0 to 100) of a score among healthy scores (n,).

    Raises:
        ValueError: there is no healthy score, or one is not finite.
    """
    values, _ = checked(healthy_scores, np.zeros(np.shape(healthy_scores)))
    if not values.size:
        raise ValueError("A percentile needs healthy scores, got none.")
    return float(100 * ((values < score).mean() + (values == score).mean() / 2))


def clustered_bootstrap(
    statistic: Statistic,
    clusters: Sequence[Hashable],
    seed: int = 0,
    rounds: int = 1000,
    units: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile interval (low, high) of a statistic of items.

    Args:
        statistic: of the items whose indices it is given; rounds in which it raises `OneKindOnly` do not count.
        clusters: the cluster of each item (n,), its anatomy say.
        seed: of the draws; the same seed gives the same interval.
        rounds: how many draws.
        units: what is drawn inside a cluster (n,), the item's scan say; if not given, each item alone.
        level: share (0 to 1) of the draws that the interval holds.

    Raises:
        ValueError: no items, lengths differ, or too few rounds have both kinds of items.
    """
    order, clustered, united = _nested(clusters, range(len(clusters)) if units is None else units)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        try:
            drawn = _draw_within(clustered, rng.integers(len(clustered) - 1, size=len(clustered) - 1), rng)
            values.append(statistic(order[_ranges(united, drawn)]))
        except OneKindOnly:
            continue
    if len(values) < max(1, FEWEST_ROUNDS_SHARE * rounds):
        raise ValueError(f"only {len(values)} of {rounds} draws have both kinds of items: take more items.")
    tail = 50 * (1 - level)
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def _nested(clusters: Sequence[Hashable], units: Sequence[Hashable]) -> tuple[Indices, Indices, Indices]:
    """Items sorted by cluster and unit, where each cluster's units begin, and where each unit's items begin.

    The last entry of the last two is the end of the last one.
    """
    if not len(clusters) or len(clusters) != len(units):
        raise ValueError(f"each item needs a cluster and a unit, got {len(clusters)} and {len(units)}")
    found: dict[Hashable, dict[Hashable, list[int]]] = {}
    for index, (cluster, unit) in enumerate(zip(clusters, units, strict=True)):
        found.setdefault(cluster, {}).setdefault(unit, []).append(index)
    inner = [items for members in found.values() for items in members.values()]
    order = np.array([index for items in inner for index in items], dtype=np.intp)
    return order, _starts([len(members) for members in found.values()]), _starts([len(items) for items in inner])


def _starts(sizes: Sequence[int]) -> Indices:
    """The first index of each of several consecutive ranges, and the end of the last one."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)


def _draw_within(starts: Indices, chosen: Indices, rng: np.random.Generator) -> Indices:
    """As many members of each chosen range as it has, drawn with replacement."""
    sizes = np.repeat(np.diff(starts)[chosen], np.diff(starts)[chosen])
    return np.repeat(starts[chosen], np.diff(starts)[chosen]) + rng.integers(sizes)


def _ranges(starts: Indices, chosen: Indices) -> Indices:
    """All members of the chosen ranges, one range after the other."""
    sizes = np.diff(starts)[chosen]
    before = _starts(sizes.tolist())[:-1]
    return np.repeat(starts[chosen] - before, sizes) + np.arange(sizes.sum())


def checked(scores: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores and labels as arrays (n,).

    Raises:
        ValueError: lengths differ, or a score is not finite.
    """
    values, anomalous = np.asarray(scores, dtype=np.float64), np.asarray(labels).astype(bool)
    if values.ndim != 1 or values.shape != anomalous.shape:
        raise ValueError(
            f"scores and labels must be one list each, as long as each other, got {values.shape} and "
            f"{anomalous.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} of {values.size} scores are not finite: leave them out.")
    return values, anomalous
