"""Tests of a site's scores: the whole against calibration, each group against the rest, and the trend along months.

A *level* is a value of a factor, "scanner B" say, with at least `FEWEST_IN_GROUP` scans, beside as many others, that
is *told* (see the function). A hemisphere's score of a scan is the mean of its two, so that a scan is one value. The
site's scores are compared with calibration's by `statistics.conformal`; groups with the rest of the site, which needs
no calibration, by Mann and Whitney's test of scores, Brown and Forsythe's of the spread of their logarithms, and
Fisher's exact test of scans with a score above its threshold; the trend is Kendall's tau. All p-values of an audit are
adjusted together, after Benjamini and Hochberg (1995): on a site in which nothing differs, all are above
`FALSE_DISCOVERIES` in 95 % of audits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...statistics.conformal import conformal_p, exceedance_test, rank_test
from ...statistics.standing import clopper_pearson
from .facts import FACTORS, MONTH
from .judged import HEMISPHERE, KINDS, Calibration, Scan, kinds_of, per_scan_of

FEWEST_SCANS, FEWEST_IN_GROUP, FEWEST_MONTHS = 20, 8, 3
"""Scans without which nothing is said about a site, or about a group, and months without which there is no trend."""

PERSONAL = ("age", "sex")
"""Factors that tell of persons."""

FALSE_DISCOVERIES = 0.05
"""Largest adjusted p-value that counts."""

WHOLE, ABOVE, RANK, SPREAD, TREND = "site", "above", "rank", "spread", "trend"
"""The factor of the whole site, and what is tested: the share above thresholds, scores, their spread, their trend."""

TINY = 1e-6
"""Smallest score, and spread, of which a logarithm is taken."""

ANY = "any"
"""The kind of both together: whether a scan has any score above its threshold."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class SiteTest:
    """A test: of what factor and level, kind of score and question, its p-value, that after adjustment, and the effect.

    `effect` is positive where scores are higher: a probability of being higher minus 1/2, a difference of shares, the
    logarithm of how many times the spread is that of the others, or Kendall's tau.
    """

    factor: str
    level: str
    kind: str
    what: str
    scans: int
    effect: float
    p: float
    adjusted: float = 1.0

    @property
    def counts(self) -> bool:
        """True if it is significant after adjustment."""
        return self.adjusted <= FALSE_DISCOVERIES


class Scores:
    """Values of scans, by place: scores (m,) by kind, and whether any is above its threshold (m,)."""

    def __init__(self, scans: Sequence[Scan], calibration: Calibration) -> None:
        self.scans, self.calibration = scans, calibration
        self.value = {
            kind: np.array([np.mean(own) if (own := scan.of(kind)) else np.nan for scan in scans]) for kind in KINDS
        }
        limits = calibration.limits
        self.above: Mask = np.array(
            [any(v > limits[k] for k, own in scan.scores.items() for v in own) for scan in scans], bool
        )

    @cached_property
    def _standing(self) -> NDArray[np.float64]:
        """Distances (m, 2): how far each scan's hemispheres stand above the middle of calibration's, and from it."""
        healthy = self.calibration.healthy[HEMISPHERE]
        places = [conformal_p(scan.of(HEMISPHERE), healthy) - 0.5 for scan in self.scans]
        return np.array([[-place.mean(), np.abs(place).mean() - 0.25] for place in places]).reshape(-1, 2)

    def unlike(self, mask: Mask) -> float:
        """Distances of some scans from calibration: by the middle of their scores, and by their spread."""
        return float(np.abs(self._standing[mask].mean(axis=0)).sum())

    @cached_property
    def months(self) -> NDArray[np.float64]:
        """The month (m,) of each scan, counted from the year 0; nan where it is not known."""
        named = [scan.fact(MONTH).split("-") for scan in self.scans]
        return np.array([12 * int(one[0]) + int(one[1]) if len(one) == 2 else np.nan for one in named], dtype=float)

    def level(self, factor: str, level: str) -> Mask:
        """The scans (m,) of a level."""
        return np.array([scan.fact(factor) == level for scan in self.scans], dtype=bool)

    def known(self, factor: str) -> Mask:
        """The scans (m,) of which a factor is known."""
        return np.array([bool(scan.fact(factor)) for scan in self.scans], dtype=bool)

    def within(self, mask: Mask) -> Scores:
        """Those of some scans."""
        return Scores([scan for scan, kept in zip(self.scans, mask, strict=True) if kept], self.calibration)


def rate_of(above: int, total: int, per_scan: int) -> dict[str, Any]:
    """A share in percent and its 95 % interval, of which `per_scan` count as one."""
    if not total:
        return {"above": 0, "of": 0, "percent": None, "low": None, "high": None}
    low, high = clopper_pearson(above / per_scan, total / per_scan)
    shares = {"percent": above / total, "low": low, "high": high}
    return {"above": above, "of": total, **{name: round(100 * share, 1) for name, share in shares.items()}}


def told(values: Iterable[str], factor: str) -> list[str]:
    """The values of a factor that are told of, sorted: each is on at least `FEWEST_IN_GROUP` scans.

    Totals less what is told give the others away. So of persons (`PERSONAL`) all others together are as many scans,
    too: while they are fewer, the smallest that was to be told joins them. A scan without a value, "", has none to give
    away.
    """
    counts = Counter(value for value in values if value)
    shown = sorted(
        (value for value, count in counts.items() if count >= FEWEST_IN_GROUP), key=lambda v: (-counts[v], v)
    )
    while factor in PERSONAL and shown and 0 < counts.total() - sum(counts[value] for value in shown) < FEWEST_IN_GROUP:
        shown.pop()
    return sorted(shown)


def levels_of(scores: Scores, factor: str) -> list[str]:
    """The levels of a factor that are told, and have enough others beside them; of two the more unlike one.

    Two levels that are all there is have the same tests: the one that is further from calibration gets them.
    """
    values = [scan.fact(factor) for scan in scores.scans if scan.fact(factor)]
    levels = [level for level in told(values, factor) if len(values) - values.count(level) >= FEWEST_IN_GROUP]
    if len(set(values)) == 2 and len(levels) == 2:
        return [max(levels, key=lambda level: scores.unlike(scores.level(factor, level)))]
    return levels


def site_tests(scores: Scores) -> list[SiteTest]:
    """Tests of the whole site against calibration: for each kind its scores, and the share above the threshold."""
    found = []
    calibration = scores.calibration
    for kind in KINDS:
        scans = kinds_of(scores.scans, kind)
        if len(scans) < FEWEST_IN_GROUP:
            continue
        healthy, limit, per_scan = calibration.healthy[kind], calibration.limits[kind], per_scan_of(kind)
        higher, p = rank_test(scans, healthy, per_scan)
        found.append(SiteTest(WHOLE, "", kind, RANK, len(scans), higher - 0.5, p))
        values = np.concatenate(scans)
        above, beyond = int((values > limit).sum()), calibration.above(kind)
        p = exceedance_test(above, values.size, beyond, healthy.size, per_scan)
        effect = above / values.size - beyond / healthy.size
        found.append(SiteTest(WHOLE, "", kind, ABOVE, len(scans), effect, p))
    return found


def level_tests(scores: Scores, factor: str, level: str) -> list[SiteTest]:
    """Tests of a level against the other scans of which the factor is known; none where either side has too few."""
    from scipy.stats import fisher_exact, mannwhitneyu

    inside = scores.level(factor, level)
    outside = scores.known(factor) & ~inside
    found = []
    for kind in KINDS:
        here, there = (scores.value[kind][mask & ~np.isnan(scores.value[kind])] for mask in (inside, outside))
        if min(here.size, there.size) >= FEWEST_IN_GROUP:
            test = mannwhitneyu(here, there, method="asymptotic")
            effect = float(test.statistic) / (here.size * there.size) - 0.5
            found.append(SiteTest(factor, level, kind, RANK, here.size, effect, p_of(test)))
            found.append(SiteTest(factor, level, kind, SPREAD, here.size, *_spread(here, there)))
    sizes = int(inside.sum()), int(outside.sum())
    if min(sizes) >= FEWEST_IN_GROUP:
        counts = [int(scores.above[mask].sum()) for mask in (inside, outside)]
        table = [[count, size - count] for count, size in zip(counts, sizes, strict=True)]
        effect = counts[0] / sizes[0] - counts[1] / sizes[1]
        found.append(SiteTest(factor, level, ANY, ABOVE, sizes[0], effect, float(fisher_exact(table).pvalue)))
    return found


def _spread(here: NDArray[np.float64], there: NDArray[np.float64]) -> tuple[float, float]:
    """The effect and the p-value of the test of the spread of some scores (m,) beside others (n,)."""
    from scipy.stats import levene

    logs = [np.log(np.maximum(values, TINY)) for values in (here, there)]
    spreads = [max(float(values.std()), TINY) for values in logs]
    p = p_of(levene(*logs, center="median")) if max(spreads) > TINY else 1.0
    return float(np.log(spreads[0] / spreads[1])), p


def p_of(test: Any) -> float:
    """The p-value of a test; 1 where nothing varies, of which scipy says nan."""
    return 1.0 if np.isnan(test.pvalue) else float(test.pvalue)


def trend_tests(scores: Scores) -> list[SiteTest]:
    """Tests of a trend of scores along months, for each kind; none where months are too few."""
    from scipy.stats import kendalltau

    found = []
    for kind in KINDS:
        known = ~np.isnan(scores.months) & ~np.isnan(scores.value[kind])
        months = scores.months[known]
        if months.size < FEWEST_SCANS or np.unique(months).size < FEWEST_MONTHS:
            continue
        test = kendalltau(months, scores.value[kind][known])
        effect = 0.0 if np.isnan(test.statistic) else float(test.statistic)
        found.append(SiteTest(MONTH, "", kind, TREND, months.size, effect, p_of(test)))
    return found


def all_tests(scores: Scores) -> list[SiteTest]:
    """Every test of a site, adjusted together."""
    return adjusted([*site_tests(scores), *_group_tests(scores), *trend_tests(scores)])


def _group_tests(scores: Scores) -> Iterator[SiteTest]:
    for factor in FACTORS:
        for level in levels_of(scores, factor):
            yield from level_tests(scores, factor, level)


def adjusted(tests: Sequence[SiteTest]) -> list[SiteTest]:
    """Tests with their p-values adjusted together, after Benjamini and Hochberg.

    The few tests of the whole site weigh together as much as all others (Genovese, Roeder and Wasserman, Biometrika 93,
    2006): they answer the first question, and would be lost among the groups.
    """
    from scipy.stats import false_discovery_control

    if not tests:
        return []
    wholes = sum(test.factor == WHOLE for test in tests)
    sizes = {True: wholes, False: len(tests) - wholes}
    shares = len(tests) / sum(map(bool, sizes.values()))
    weighted = [min(1.0, test.p * sizes[test.factor == WHOLE] / shares) for test in tests]
    values = false_discovery_control(weighted, method="bh")
    return [replace(test, adjusted=float(value)) for test, value in zip(tests, values, strict=True)]


def best_of(tests: Iterable[SiteTest]) -> Mapping[tuple[str, str], SiteTest]:
    """By factor and level the test with the smallest p-value, of groups and the trend that count."""
    found: dict[tuple[str, str], SiteTest] = {}
    for test in tests:
        if test.counts and test.factor != WHOLE:
            key = (test.factor, test.level)
            found[key] = min(found.get(key, test), test, key=lambda one: one.p)
    return found
