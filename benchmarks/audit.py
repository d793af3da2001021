"""Measures how often the audit of a site names what differs there, and how often it is silent where nothing does.

    python benchmarks/audit.py [--repeats 200] [--scans 200] [--calibration bundle/models] [--seed 0]
        [--sites none,offset] [--shift 1.0]

Sites are drawn as scores of judged scans, not as images: from the distribution of the healthy scores in the
calibration (its quantiles, joined in logarithms), with the hemispheres of a scan correlated by `CORRELATION`. Each
repeat draws a calibration of as many scans as the real one has, and a site: three scanners, kernels, thicknesses, age
groups, both sexes, twelve months, kernels that go with scanners. On a drifting site the logarithm of the scores of one
group is raised by `SHIFT` (`offset`, a scanner; `kernel`; `population`, an age group; `whole`, every scan), or spread
by `SPREAD` times (`noise`, a scanner), or raised evenly along the months (`months`). Measures of images differ nowhere.
*Silent* means that no test of scores counts and nothing is named, *of images, too* that no measure of images is named
either. *Right* means that the group is named first, or stands beside the first as on the same scans; of
`whole`, that a test against calibration counts and no group is named. *Alone* means that nothing else is named.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from scripts.anomaly.files import THRESHOLDS_NAME
from scripts.files.tables import Table
from scripts.sites.audit.comparisons import WHOLE, Scores, all_tests
from scripts.sites.audit.images import images_of
from scripts.sites.audit.judged import HEMISPHERE, Calibration, Scan, read_calibration
from scripts.sites.audit.naming import explained
from scripts.statistics.auroc import threshold_at_specificity

SCORE = "calibrated_top_1_percent_mean"

THICK = "skull in thick slices"
"""The list of healthy skulls that the drawn ones are of."""

CORRELATION, OF_SKULL = 0.7, 0.3
"""Correlation of the two hemispheres of a scan, and of the skull with them, before their ranks become scores."""

SHIFT, SPREAD = 1.0, 2.0
"""The rise of drifting scores without `--shift`, in standard deviations of the healthy ones, and how many times they
are spread; both of logarithms. One standard deviation makes a hemisphere's score half as high again."""

SCANNERS = {"ALPHA": 0.5, "BETA": 0.3, "GAMMA": 0.2}
KERNELS = {"ALPHA": {"H30": 0.8, "H40": 0.2}, "BETA": {"H30": 0.3, "H40": 0.7}, "GAMMA": {"H30": 0.3, "H40": 0.7}}
THIN = "up to 1.5 mm"
THICKNESSES = {THIN: 0.4, "over 3 mm": 0.6}
AGES = {"18 to 39": 0.2, "40 to 59": 0.3, "60 to 79": 0.35, "80 and over": 0.15}
SEXES = {"F": 0.5, "M": 0.5}
"""Shares of the levels at a site; of kernels, by scanner."""

LOOKS = {"brain_hu": (31.0, 2.0), "noise_hu": (4.0, 1.0), "noise_grain": (0.6, 0.08), "fluid_share": (0.12, 0.03)}
"""Mean and standard deviation of each measure of images, in thick slices."""

NOISE_OF_THIN = 2.5
"""So many times noisier are thin slices."""

SITES: dict[str, tuple[str, str] | None] = {
    "none": None,
    "offset": ("scanner", "BETA"),
    "noise": ("scanner", "BETA"),
    "kernel": ("kernel", "H40"),
    "population": ("age", "80 and over"),
    "months": ("month", ""),
    "whole": (WHOLE, ""),
}
"""Sites, and what is responsible."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of an audit: whether nothing counts, and nothing of images either, whether it named the right one,
    and that alone."""

    silent: bool
    silent_of_images: bool
    right: bool
    alone: bool


def quantiles(healthy: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """The logarithms of scores, as a function of normal deviates, by the quantiles of healthy scores (n,)."""
    known = np.log(np.sort(healthy))
    at = norm.ppf((np.arange(known.size) + 0.5) / known.size)
    ends = np.polyfit(at, known, 1)

    def joined(deviates: NDArray[np.float64]) -> NDArray[np.float64]:
        outside = np.abs(deviates) > at[-1]
        line = np.polyval(ends, deviates) + np.where(deviates > 0, known[-1] - np.polyval(ends, at[-1]), 0)
        return np.where(outside, line, np.interp(deviates, at, known))

    return joined


def drawn_scores(count: int, healthy: Calibration, random: np.random.Generator) -> NDArray[np.float64]:
    """Logarithms of scores (count, 3) of the left and right hemisphere and of the skull of healthy scans."""
    covariance = np.array([[1, CORRELATION, OF_SKULL], [CORRELATION, 1, OF_SKULL], [OF_SKULL, OF_SKULL, 1]])
    deviates = random.multivariate_normal(np.zeros(3), covariance, count)
    brain, skull = (quantiles(healthy.healthy[kind]) for kind in (HEMISPHERE, THICK))
    return np.column_stack([brain(deviates[:, 0]), brain(deviates[:, 1]), skull(deviates[:, 2])])


def drawn_calibration(healthy: Calibration, random: np.random.Generator) -> Calibration:
    """A calibration of as many scans as the real one has, drawn from its distribution."""
    scores = np.exp(drawn_scores(healthy.scans, healthy, random))
    skulls = min(healthy.scans, healthy.healthy[THICK].size)
    lists = {HEMISPHERE: np.sort(scores[:, :2].ravel()), THICK: np.sort(scores[:skulls, 2])}
    limits = {kind: threshold_at_specificity(values) for kind, values in lists.items()}
    return Calibration(lists, limits, healthy.scans, "drawn", True)


def drawn_facts(random: np.random.Generator) -> dict[str, str]:
    """The facts of a scan of a site."""

    def one_of(shares: dict[str, float]) -> str:
        return str(random.choice(list(shares), p=list(shares.values())))

    scanner = one_of(SCANNERS)
    facts = {"scanner": scanner, "kernel": one_of(KERNELS[scanner]), "thickness": one_of(THICKNESSES)}
    return {**facts, "age": one_of(AGES), "sex": one_of(SEXES), "month": f"2026-{random.integers(1, 13):02d}"}


def drawn_site(
    name: str, count: int, healthy: Calibration, random: np.random.Generator, by: float = SHIFT
) -> list[Scan]:
    """The scans of a site, of which those that drift are raised `by` standard deviations."""
    logs, facts = drawn_scores(count, healthy, random), [drawn_facts(random) for _ in range(count)]
    responsible, known = SITES[name], [np.log(healthy.healthy[kind]) for kind in (HEMISPHERE, HEMISPHERE, THICK)]
    middles = np.array([np.median(values) for values in known])
    shift = by * np.array([values.std() for values in known])
    for row, own in zip(logs, facts, strict=True):
        if name == "months":
            row += shift * 2 * (int(own["month"][5:]) - 1) / 11
        elif responsible and (name == "whole" or own[responsible[0]] == responsible[1]):
            row += shift if name != "noise" else (SPREAD - 1) * (row - middles)
    scores = np.exp(logs)
    pairs = zip(scores, facts, strict=True)
    return [Scan({HEMISPHERE: (row[0], row[1]), THICK: (row[2],)}, "pass", facts=own) for row, own in pairs]


def with_looks(scans: list[Scan], random: np.random.Generator) -> list[Scan]:
    """The same scans with measures of their images, which differ by the thickness of slices alone."""
    found = []
    for scan in scans:
        looks = {measure: max(float(random.normal(*usual)), 0.01) for measure, usual in LOOKS.items()}
        looks["noise_hu"] *= NOISE_OF_THIN if scan.fact("thickness") == THIN else 1.0
        found.append(replace(scan, looks=looks))
    return found


def audited(name: str, scans: list[Scan], calibration: Calibration) -> Outcome:
    """The outcome of the audit of a site."""
    scores = Scores(scans, calibration)
    tests = all_tests(scores)
    named, responsible = explained(scores, tests).named, SITES[name]
    counting = {test.factor for test in tests if test.counts}
    silent = not counting, not counting and not images_of(scans).named
    if name == "whole":
        return Outcome(*silent, WHOLE in counting and not named, not named)
    right = bool(named) and responsible in (named[0].key, *named[0].same)
    return Outcome(*silent, right, right and len(named) == 1)


def main() -> None:
    """Draw sites, audit them, and print how often each was named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--calibration", type=Path, default=ROOT / "bundle" / "models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sites", type=lambda text: text.split(","), default=list(SITES), help="of these (all)")
    words = "standard deviations by which drifting scores are raised (1)"
    parser.add_argument("--shift", type=float, default=SHIFT, help=words)
    args = parser.parse_args()
    healthy = read_calibration(args.calibration / THRESHOLDS_NAME, SCORE, True)
    begin, rows = time.process_time(), []
    for place, name in enumerate(SITES):
        if name not in args.sites:
            continue
        found = []
        for repeat in range(args.repeats):
            random = np.random.default_rng([args.seed, place, repeat])
            calibration = drawn_calibration(healthy, random)
            scans = drawn_site(name, args.scans, healthy, random, args.shift)
            found.append(audited(name, with_looks(scans, random), calibration))
        names = ("silent", "silent_of_images", "right", "alone")
        shares = [100 * np.mean([getattr(one, what) for one in found]) for what in names]
        rows.append((name, *(f"{share:.0f} %" for share in shares)))
    print(Table(("site", "silent", "of images, too", "right", "and alone"), tuple(rows)).markdown())
    print(f"{args.repeats} sites of {args.scans} scans each, {time.process_time() - begin:.0f} CPU-s")


if __name__ == "__main__":
    main()
