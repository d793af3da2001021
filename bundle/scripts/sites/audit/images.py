"""Differences between the images of a site's scanners, whether or not scores follow: brightness, noise, grain, fluid.

The measures are those in `quality` of each scan's `result.json` (see `preprocessing.image_measures`). Slices of another
thickness have another noise, so each value is *aligned*: less the median of the scans in the same class of thickness.
A scanner with at least `FEWEST_IN_GROUP` scans is compared with the others by Mann and Whitney's test of aligned values
(Hodges and Lehmann, Annals of Mathematical Statistics 33, 1962). The most certain one is *named* and its scans are left
out before the next is looked for, as one scanner that is brighter makes all others darker. Of two scanners each differs
from the other, and the one with fewer scans is named. The trend along months is Kendall's tau, within scanners and
classes. A test counts at `SURE`, after Bonferroni's adjustment of all of them: Benjamini and Hochberg's grows lax where
one scanner makes all others differ from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .comparisons import FEWEST_IN_GROUP, FEWEST_MONTHS, FEWEST_SCANS, p_of, told
from .facts import MONTH
from .judged import Scan
from .looks import MEASURES

SURE = 0.01
"""Largest adjusted p-value that counts."""

SCANNER, THICKNESS = "scanner", "thickness"

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ImageTest:
    """A test of a measure: of a scanner against the others, or of the trend along months (no level).

    `effect` is a probability of being higher minus 1/2, or Kendall's tau; `here` is the median of the scanner's scans,
    and `there` what it would be if aligned values had the median of the others.
    """

    measure: str
    level: str
    scans: int
    effect: float
    p: float
    here: float | None = None
    there: float | None = None
    adjusted: float = 1.0

    @property
    def counts(self) -> bool:
        """True if it is significant after adjustment."""
        return self.adjusted <= SURE


@dataclass(frozen=True)
class Images:
    """Medians of the measures by scanner, how many scans have each measure, all tests, and those that are named."""

    medians: Mapping[str, Mapping[str, float]]
    measured: Mapping[str, int]
    tests: tuple[ImageTest, ...]
    named: tuple[ImageTest, ...]


class Looks:
    """The measures of scans: values (m,) by name, nan where there is none; scanner, stratum and month of each; and
    the scanners that are told, see `comparisons.told`."""

    def __init__(self, scans: Sequence[Scan]) -> None:
        self.scanner = np.array([scan.fact(SCANNER) for scan in scans], dtype=object)
        self.told = told(map(str, self.scanner), SCANNER)
        self.thickness = np.array([scan.fact(THICKNESS) for scan in scans], dtype=object)
        self.month = np.array([scan.fact(MONTH) for scan in scans], dtype=object)
        self.value = {
            name: np.array([(scan.looks or {}).get(name, np.nan) for scan in scans], dtype=float) for name in MEASURES
        }

    def comparable(self, name: str) -> Mask:
        """The scans (m,) with a measure and a known scanner, and of known slice thickness if it is one by thickness."""
        known = ~np.isnan(self.value[name]) & (self.scanner != "")
        return np.asarray(known & (self.thickness != "") if MEASURES[name].by_thickness else known, dtype=bool)

    def aligned(self, name: str, kept: Mask, strata: Sequence[NDArray[Any]]) -> Values:
        """The values (m,) of a measure, less the median of the kept scans in the same stratum."""
        values = self.value[name].copy()
        keys = np.array(["\n".join(map(str, key)) for key in zip(*strata, strict=True)], dtype=object)
        for key in np.unique(keys.astype(str)):
            inside = kept & (keys == key)
            if inside.any():
                values[inside] -= np.median(self.value[name][inside])
        return values


def images_of(scans: Sequence[Scan]) -> Images:
    """The differences between images of scans, by scanner and along months."""
    looks = Looks(scans)
    seen = {name: ~np.isnan(values) for name, values in looks.value.items()}
    tests = adjusted(
        [test for name in MEASURES for test in (*scanner_tests(looks, name, seen[name]), *trend(looks, name))]
    )
    named = [found for name in MEASURES for found in _named(looks, name, tests)]
    medians = {
        level: {
            name: one.rounded(float(np.median(looks.value[name][of])))
            for name, one in MEASURES.items()
            if (of := _of(looks, level, seen[name])).sum() >= FEWEST_IN_GROUP
        }
        for level in looks.told
    }
    measured = {name: int(of.sum()) for name, of in seen.items()}
    return Images({level: own for level, own in medians.items() if own}, measured, tuple(tests), tuple(named))


def _of(looks: Looks, level: str, kept: Mask) -> Mask:
    """The kept scans (m,) of a scanner."""
    return np.asarray((looks.scanner == level) & kept, dtype=bool)


def scanner_tests(looks: Looks, name: str, kept: Mask) -> list[ImageTest]:
    """Tests of a measure, of each scanner told of against the others of the kept scans; none if either has too few."""
    from scipy.stats import mannwhitneyu

    kept = looks.comparable(name) & kept
    values, found = looks.aligned(name, kept, [looks.thickness]), []
    for level in looks.told:
        here = _of(looks, level, kept)
        there = kept & ~here
        if min(here.sum(), there.sum()) < FEWEST_IN_GROUP:
            continue
        test = mannwhitneyu(values[here], values[there], method="asymptotic")
        effect = float(test.statistic) / int(here.sum() * there.sum()) - 0.5
        p = p_of(test)
        median, shift = float(np.median(looks.value[name][here])), np.median(values[here]) - np.median(values[there])
        both = (MEASURES[name].rounded(value) for value in (median, median - float(shift)))
        found.append(ImageTest(name, level, int(here.sum()), effect, p, *both))
    if len(set(looks.scanner[kept])) == 2:  # each would be compared with the other
        return sorted(found, key=lambda test: test.scans)[:1]
    return found


def trend(looks: Looks, name: str) -> list[ImageTest]:
    """The test of a trend of a measure along months, within scanners and classes of thickness; none if too few."""
    from scipy.stats import kendalltau

    kept = np.asarray(looks.comparable(name) & (looks.month != ""), dtype=bool)
    months = looks.month[kept].astype(str)
    if months.size < FEWEST_SCANS or np.unique(months).size < FEWEST_MONTHS:
        return []
    places = np.unique(months, return_inverse=True)[1]
    test = kendalltau(places, looks.aligned(name, kept, [looks.scanner, looks.thickness])[kept])
    p = p_of(test)
    return [ImageTest(name, "", int(months.size), 0.0 if np.isnan(test.statistic) else float(test.statistic), p)]


def adjusted(tests: Sequence[ImageTest]) -> list[ImageTest]:
    """Tests with their p-values adjusted together, after Bonferroni."""
    return [replace(test, adjusted=min(1.0, test.p * len(tests))) for test in tests]


def _named(looks: Looks, name: str, tests: Sequence[ImageTest]) -> list[ImageTest]:
    """Of a measure, the scanners that differ, the most certain first, and the trend if it counts."""
    own = [test for test in tests if test.measure == name]
    found, left = [], [test for test in own if test.level]
    kept = np.asarray(~np.isnan(looks.value[name]), dtype=bool)
    others = [test for test in tests if test.measure != name or not test.level]
    while sure := [test for test in left if test.counts]:
        first = min(sure, key=lambda test: (test.p, test.scans, test.level))
        found.append(first)
        kept = kept & (looks.scanner != first.level)
        again = scanner_tests(looks, name, kept)
        left = adjusted([*again, *others])[: len(again)]
    return [*found, *(test for test in own if not test.level and test.counts)]
