"""Which group is responsible: the one that explains what differs, and whether the rest is as calibration then.

Groups overlap: a new scanner brings a new kernel, and months. The group (or the trend) with the smallest p-value is
*named* first. Then its scans are left out (of a trend, the trend is taken off), and what still differs is named next.
Others that are on nearly the same scans can't be told apart from it: they are named beside it. A group of which the
rest is further from calibration is not named: it is the rest that differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .comparisons import (
    FALSE_DISCOVERIES,
    FEWEST_SCANS,
    Mask,
    Scores,
    SiteTest,
    adjusted,
    best_of,
    level_tests,
    site_tests,
    trend_tests,
)
from .facts import MONTH
from .judged import KINDS

MOST_FOR_SLOPE = 2000
"""Scans that the slope of a trend is found from, drawn if there are more: it compares each with each."""

SAME_SCANS = 0.9
"""Share of the scans of two groups, of those in either, from which they can't be told apart."""

Key = tuple[str, str]
"""A factor and a level; the trend is that of the factor "month"."""


@dataclass(frozen=True)
class Named:
    """A group that is responsible, or the trend: its strongest test, and groups that are on the same scans."""

    test: SiteTest
    same: tuple[Key, ...] = ()

    @property
    def key(self) -> Key:
        """Its factor and level."""
        return self.test.factor, self.test.level


@dataclass(frozen=True)
class Explained:
    """The groups that are responsible, and the tests against calibration of the scans that are left without them.

    `left` is the number of these; fewer than `FEWEST_SCANS` are not tested.
    """

    named: tuple[Named, ...]
    left: int
    rest: tuple[SiteTest, ...]

    @property
    def alone(self) -> bool:
        """True if the scans that are left are as calibration."""
        return bool(self.named) and self.left >= FEWEST_SCANS and not any(test.counts for test in self.rest)


def explained(scores: Scores, tests: Sequence[SiteTest]) -> Explained:
    """The groups responsible for the tests of groups and of the trend that count."""
    found, named = dict(best_of(tests)), list[Named]()
    kept: Mask = np.ones(len(scores.scans), dtype=bool)
    now = scores
    while found:
        key = min(found, key=lambda one: found[one].p)
        test = found.pop(key)
        if key[0] != MONTH and not _further(now, key):
            continue
        same = tuple(other for other in found if _overlap(now, key, other) >= SAME_SCANS)
        named.append(Named(test, same))
        found = {other: one for other, one in found.items() if other not in same}
        if key[0] == MONTH:
            now = without_trend(now)
        else:
            kept = kept & ~scores.level(*key)
            now = now.within(~now.level(*key))
            now = without_trend(now) if any(one.test.factor == MONTH for one in named) else now
        found = _still(now, found)
    left = scores.within(kept)
    rest = adjusted(site_tests(left)) if len(left.scans) >= FEWEST_SCANS else []
    return Explained(tuple(named), len(left.scans), tuple(rest))


def _further(scores: Scores, key: Key) -> bool:
    """True if a level is further from calibration than the other scans of its factor."""
    inside = scores.level(*key)
    outside = scores.known(key[0]) & ~inside
    return scores.unlike(inside) >= scores.unlike(outside)


def _overlap(scores: Scores, one: Key, other: Key) -> float:
    """The scans of both of two levels, as a share of those of either; 0 of a trend."""
    if MONTH in (one[0], other[0]):
        return 0.0
    first, second = scores.level(*one), scores.level(*other)
    return float((first & second).sum() / max((first | second).sum(), 1))


def _still(scores: Scores, found: dict[Key, SiteTest]) -> dict[Key, SiteTest]:
    """Those of the groups and the trend that still differ, with their tests of the scans that are left."""
    tests: list[SiteTest] = []
    for key in found:
        tests += trend_tests(scores) if key[0] == MONTH else level_tests(scores, *key)
    again = best_of(adjusted(tests))
    return {key: again[key] for key in found if key in again and again[key].adjusted <= FALSE_DISCOVERIES}


def without_trend(scores: Scores) -> Scores:
    """Scores of which the trend along months is taken off, by Theil and Sen's slope; those of no known month stay."""
    from scipy.stats import theilslopes

    level = scores.within(np.ones(len(scores.scans), dtype=bool))
    for kind in KINDS:
        known = ~np.isnan(scores.months) & ~np.isnan(scores.value[kind])
        if known.sum() >= FEWEST_SCANS:
            months = scores.months[known] - np.median(scores.months[known])
            some = np.arange(months.size)
            if months.size > MOST_FOR_SLOPE:
                some = np.random.default_rng(0).choice(months.size, MOST_FOR_SLOPE, replace=False)
            slope = float(theilslopes(scores.value[kind][known][some], months[some]).slope)
            level.value[kind][known] = scores.value[kind][known] - slope * months
    return level
