"""The judged scans of a site, from the folder of a cohort: scores, thresholds, verdicts, flags and refusals.

A *kind* is a list of healthy scores of calibration: that of hemispheres, of which a scan has two, or of skulls. The
unrolled skull has two lists, of thin and of thick slices; a scan's is the one whose threshold it was judged by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...anomaly.files import THRESHOLDS_NAME, NotCalibrated, read_thresholds
from ...anomaly.scores import FEWEST_SCORES, LISTS, SCORES_PER_SCAN
from ...assets import place, sha256
from ...cohort.folder import CASES, FACTS_NAME, CohortFolder
from ...cohort.table import DETAILS_NAME, DONE, FAILED, REFUSED, TABLE_NAME, Row, read_short, read_table
from ...errors import WrongUsage
from ...findings import REFUSALS
from ...skull.files import CLASSES, NAME
from ...skull.files import read_calibration as read_skulls
from ...statistics.alpha import ALPHA
from ...statistics.auroc import threshold_at_specificity
from .facts import Facts
from .looks import read_looks

HEMISPHERE, SKULL = "hemisphere", "skull"

KINDS = (HEMISPHERE, SKULL, *(f"{SKULL} in {name} slices" for name in CLASSES))
"""Lists of healthy scores; the first of the skull's is that of the map's scores, which the unrolled skull replaces."""

SAME = 1e-3
"""Largest difference of a threshold in a table from that of its list, as a share of it: tables are rounded."""

OTHER_REASON = "other"
"""Code of a refusal whose reason is none of the table of refusals, and of a brain without a score for another reason
than `UNLIKE`, such as a bone kernel alone."""

UNLIKE = "unlike_calibration"
"""Flag of a head that is unlike all healthy ones, whose hemispheres have no score."""


@dataclass(frozen=True)
class Calibration:
    """Healthy scores (n,) and threshold of each kind, the scans they are of, and whether it is one that ships.

    What ships is of simulated scans; the one in the bundle's models may be a site's own.

    `alpha` is the share of healthy scores that shall lie above a threshold.
    """

    healthy: Mapping[str, NDArray[np.float64]]
    limits: Mapping[str, float]
    scans: int
    sha256: str
    shipped: bool
    alpha: float = ALPHA

    def kind_of_skull(self, limit: float | None) -> str | None:
        """The kind of the skull whose threshold this is; None if it is none's."""
        known = {kind: own for kind, own in self.limits.items() if kind != HEMISPHERE}
        fitting = [kind for kind, own in known.items() if limit is not None and abs(own - limit) <= SAME * own]
        return fitting[0] if fitting else None

    def above(self, kind: str) -> int:
        """The number of healthy scores above their own threshold."""
        return int((self.healthy[kind] > self.limits[kind]).sum())


@dataclass(frozen=True)
class Scan:
    """A scan that was scored: its scores by kind, the verdict on its pose, flags, number of detections, facts, and the
    measures of its image (see `looks`)."""

    scores: Mapping[str, tuple[float, ...]]
    verdict: str = ""
    flags: tuple[str, ...] = ()
    detections: int = 0
    facts: Mapping[str, str] | None = None
    looks: Mapping[str, float] | None = None

    def of(self, kind: str) -> tuple[float, ...]:
        """Its scores of a kind; none where it has none."""
        return self.scores.get(kind, ())

    def fact(self, name: str) -> str:
        """A fact; "" if it is not known."""
        return (self.facts or {}).get(name, "")


@dataclass(frozen=True)
class Site:
    """The scans with a score of a hemisphere, the calibration that judged them, how many others were refused for each
    reason, how many failed, and how many were judged without such a score: `UNLIKE`, or `OTHER_REASON`."""

    scans: tuple[Scan, ...]
    calibration: Calibration
    refused: Mapping[str, int]
    failed: int = 0
    without: Mapping[str, int] = field(default_factory=dict)

    @property
    def others(self) -> int:
        """The number of scans that have no score of a hemisphere, for whatever reason."""
        return sum(self.refused.values()) + self.failed + sum(self.without.values())


def calibration_of(folder: CohortFolder, named: Path | None) -> tuple[Calibration, str]:
    """The calibration that a cohort was scored by, and the name of the score.

    Args:
        folder: of the cohort.
        named: the folder of the calibration; None for the one that ships.

    Raises:
        WrongUsage: the folder is no cohort, it has no calibration, or was scored by another one.
    """
    facts = folder.facts()
    if not facts:
        raise WrongUsage(f"{folder.root} holds no {FACTS_NAME}: it is no cohort. Run `head-ct-anomaly cohort` first.")
    used, score = facts.get("settings", {}).get("calibration_sha256"), str(facts.get("score"))
    if not used:
        raise WrongUsage(f"{folder.root} was scored without a calibration: it has no thresholds to audit.")
    path, shipped = (named or Path(place("models"))) / THRESHOLDS_NAME, Path(place("models")) / THRESHOLDS_NAME
    if not path.is_file() or sha256(path) != used:
        raise WrongUsage(
            f"{folder.root} was scored by another calibration than the one in {path.parent}. Name that of the run: "
            "--calibration DIR."
        )
    alpha = float(facts["settings"].get("alpha", ALPHA))
    return read_calibration(path, score, sha256(shipped) == used, alpha), score


def read_calibration(path: Path, score: str, shipped: bool, alpha: float = ALPHA) -> Calibration:
    """The healthy scores and thresholds, by alpha, of a score in a `thresholds.json`, and of the skull beside it.

    Raises:
        WrongUsage: it can't be read, or has too few healthy scores.
    """
    try:
        found = read_thresholds(path)
    except NotCalibrated as error:
        raise WrongUsage(str(error)) from error
    healthy = {kind: np.array(found.scores_of(region, score)) for region, kind in LISTS.items()}
    try:
        skulls = read_skulls(path.with_name(NAME)).healthy
    except (OSError, ValueError):  # a calibration of before, or without skulls: none was judged by it
        skulls = {}
    healthy |= {f"{SKULL} in {name} slices": values for name, values in skulls.items()}
    healthy = {kind: values for kind, values in healthy.items() if values.size >= FEWEST_SCORES}
    if HEMISPHERE not in healthy:
        raise WrongUsage(f"{path} has too few healthy scores of {score}. Audit a cohort of another score.")
    limits = {kind: threshold_at_specificity(values, 1 - alpha) for kind, values in healthy.items()}
    scans = round(healthy[HEMISPHERE].size / SCORES_PER_SCAN[HEMISPHERE])
    simulated = found.facts.get("source", {}).get("scans") == "simulated"
    return Calibration(healthy, limits, scans, sha256(path), shipped and simulated, alpha)


def read_site(folder: CohortFolder, calibration: Calibration, facts: Mapping[str, Facts]) -> Site:
    """The site of a cohort that was scored; `facts` are those of cases, by name.

    Raises:
        WrongUsage: a table is missing or faulty.
    """
    rows, short = read_table(folder.root / DETAILS_NAME), read_short(folder.root / TABLE_NAME)
    shown = {row.case: row for row in short}
    done = [row for row in rows if row.status == DONE]
    scans = [
        replace(
            _scan(row, shown.get(row.case), calibration, facts.get(row.case)),
            looks=read_looks(folder.root / CASES / row.case),
        )
        for row in done
    ]
    refused = Counter(reason_code(row.reason) for row in rows if row.status == REFUSED)
    failed = sum(row.status == FAILED for row in rows)
    without = Counter(UNLIKE if UNLIKE in scan.flags else OTHER_REASON for scan in scans if not scan.of(HEMISPHERE))
    return Site(tuple(scan for scan in scans if scan.of(HEMISPHERE)), calibration, refused, failed, without)


def _scan(row: Row, shown: Row | None, calibration: Calibration, facts: Facts | None) -> Scan:
    """The scan of a row of the long table, and of the short one."""
    scores: dict[str, tuple[float, ...]] = {}
    for region, listed in LISTS.items():
        value = row.score(region)
        kind = HEMISPHERE if listed == HEMISPHERE else calibration.kind_of_skull(row.score(region, "threshold"))
        if kind and value is not None:
            scores[kind] = (*scores.get(kind, ()), float(value))
    if shown is None:
        return Scan(scores, facts=facts)
    return Scan(scores, shown.found.verdict, shown.found.flags, len(shown.found.detections), facts)


def reason_code(reason: str) -> str:
    """The code of a refusal, by its remedy, with which each reason ends; of a few codes that share one, all."""
    return " or ".join(code for code, (_, remedy) in REFUSALS.items() if reason.endswith(remedy)) or OTHER_REASON


def kinds_of(scans: Sequence[Scan], kind: str) -> list[tuple[float, ...]]:
    """The scores of a kind of each scan that has some."""
    return [own for scan in scans if (own := scan.of(kind))]


def per_scan_of(kind: str) -> int:
    """The number of healthy scores of a kind that a scan has."""
    return SCORES_PER_SCAN[HEMISPHERE if kind == HEMISPHERE else SKULL]


def facts_in_words(site: Site) -> dict[str, Any]:
    """The numbers of scans, of each status, verdict and flag."""
    verdicts, flags = Counter(scan.verdict for scan in site.scans if scan.verdict), Counter[str]()
    for scan in site.scans:
        flags.update(set(scan.flags))
    return {
        "all": len(site.scans) + site.others,
        "judged": len(site.scans),
        "refused": sum(site.refused.values()),
        "failed": site.failed,
        "without": dict(sorted(site.without.items())),
        "verdicts": dict(sorted(verdicts.items())),
        "refusals": dict(sorted(site.refused.items(), key=lambda pair: (-pair[1], pair[0]))),
        "flags": dict(sorted(flags.items(), key=lambda pair: (-pair[1], pair[0]))),
    }
