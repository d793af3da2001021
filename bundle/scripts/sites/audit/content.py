"""The content of `audit.json`: rates of false alarms with intervals, p-values, groups, trend, tests and sentences.

No patient is put into it: no case, no name, no date but months, and no group of fewer scans than `FEWEST_IN_GROUP`,
not even as what totals leave over (see `comparisons.told`).
Scanners have letters, in the order of their names; the digits that tell two of one model apart stay in `groups.csv`.
Names of scanners and kernels in a table or a list are free text, and are shown as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from string import ascii_uppercase
from typing import Any

import numpy as np

from ...anomaly.scores import SCORES_PER_SCAN
from ...errors import WrongUsage
from ...statistics.conformal import conformal_p
from ...statistics.standing import clopper_pearson
from ...words import counted
from .comparisons import FEWEST_IN_GROUP, FEWEST_SCANS, Scores, SiteTest, all_tests, rate_of, told
from .facts import CLASSES, FACTORS, MONTH
from .images import Images, ImageTest, images_of
from .judged import HEMISPHERE, KINDS, SKULL, UNLIKE, Scan, Site, facts_in_words, kinds_of
from .naming import Explained, explained
from .sentences import sentences

AUDIT_FORMAT = "head_ct_position_anomaly audit 1"
"""Value of `format` in `audit.json`."""

PARTS = {HEMISPHERE: (HEMISPHERE,), SKULL: KINDS[1:]}
"""The parts that rates and p-values are told of, and the kinds of each: a skull counts by its own list."""

POINTS = 100
"""Most points of a curve of p-values."""

PERSONAL_FLAGS = ("under_18",)
"""Flags that tell of a person; those of fewer scans than `FEWEST_IN_GROUP` are left out."""

DIGITS = re.compile(r" #[0-9a-f]{4}$")
"""The digits that tell two scanners of a model apart in `groups.csv`."""

Content = dict[str, Any]


def audit_of(site: Site, score: str, version: str) -> Content:
    """The content of an audit; `score` is the name of the score, `version` that of the program.

    Raises:
        WrongUsage: fewer than `FEWEST_SCANS` scans were scored.
    """
    check_enough(site)
    site = replace(site, scans=tuple(lettered(site.scans)))
    scores = Scores(site.scans, site.calibration)
    tests = all_tests(scores)
    found = explained(scores, tests)
    calibration, images = site.calibration, images_of(site.scans)
    content: Content = {
        "format": AUDIT_FORMAT,
        "bundle_version": version,
        "score": score,
        "calibration": {
            "shipped": calibration.shipped,
            "scans": calibration.scans,
            "sha256": calibration.sha256,
            "thresholds": {kind: round(limit, 4) for kind, limit in calibration.limits.items()},
            "healthy_scores": {kind: values.size for kind, values in calibration.healthy.items()},
        },
        "expected_percent": round(100 * calibration.alpha, 1),
        "scans": _without_few(facts_in_words(site)),
        "rates": rates(site.scans, site),
        "unlike": unlike(site),
        "groups": {factor: _groups(site, factor) for factor in FACTORS},
        "months": _groups(site, MONTH),
        "p_values": {part: curve(site.scans, site, part) for part in PARTS},
        "tests": [_plain(test) for test in sorted(tests, key=lambda one: one.p)],
        "responsible": _responsible(found),
        "images": _images(images),
    }
    return {**content, "sentences": sentences(content, scores, tests, found, images)}


def check_enough(site: Site) -> None:
    """See that there are enough scans to say anything.

    Raises:
        WrongUsage: there are not; the message says what these could not tell.
    """
    count = len(site.scans)
    if count >= FEWEST_SCANS:
        return
    verbs = "was refused, failed, or has" if site.others == 1 else "were refused, failed, or have"
    beside = f" ({site.others} {verbs} no score)" if site.others else ""
    known = ""
    if count:
        known = (
            f"Even without one false alarm, a rate of up to {100 * clopper_pearson(0, count)[1]:.0f} % is possible. "
        )
    raise WrongUsage(
        f"{counted(count, 'scan')} could be judged{beside}: too few to say whether the thresholds hold, which group "
        f"differs, or whether anything drifts. {known}Give at least {FEWEST_SCANS}; a group needs {FEWEST_IN_GROUP}."
    )


def lettered(scans: Sequence[Scan]) -> list[Scan]:
    """The scans with a letter for each scanner, "A (MODEL)", in the order of the scanners' names."""
    names = sorted({scan.fact("scanner") for scan in scans} - {""})
    letters = [first + second for first in ("", *ascii_uppercase) for second in ascii_uppercase]
    words = {name: f"{letter} ({DIGITS.sub('', name)})" for name, letter in zip(names, letters, strict=False)}
    return [
        replace(scan, facts={**(scan.facts or {}), "scanner": words.get(scan.fact("scanner"), "")}) for scan in scans
    ]


def _without_few(facts: Mapping[str, Any]) -> Content:
    """The numbers of scans without those of flags that tell of a few persons."""
    flags = {
        flag: count for flag, count in facts["flags"].items() if flag not in PERSONAL_FLAGS or count >= FEWEST_IN_GROUP
    }
    return {**facts, "flags": flags}


def rates(scans: Sequence[Scan], site: Site) -> dict[str, Any]:
    """Of scans, the shares above the threshold of each part, and of those with a detection, each with its interval."""
    found = {}
    for part, kinds in PARTS.items():
        scores = [(kind, own) for kind in kinds for own in kinds_of(scans, kind)]
        above = sum(value > site.calibration.limits[kind] for kind, own in scores for value in own)
        found[part] = rate_of(above, sum(len(own) for _, own in scores), SCORES_PER_SCAN[part])
    found["detections"] = rate_of(sum(scan.detections > 0 for scan in scans), len(scans), 1)
    return found


def unlike(site: Site) -> dict[str, Any]:
    """The heads that score above every healthy score of calibration, how many do so by chance, and those without a
    score because they are unlike all of it everywhere."""
    tops = {kind: float(values.max()) for kind, values in site.calibration.healthy.items()}
    beyond = sum(any(v > tops[kind] for kind, own in scan.scores.items() for v in own) for scan in site.scans)
    chance = sum(
        len(own) / (site.calibration.healthy[kind].size + 1) for scan in site.scans for kind, own in scan.scores.items()
    )
    return {"heads": beyond, "expected_at_most": round(chance, 1), "without_score": site.without.get(UNLIKE, 0)}


def _groups(site: Site, factor: str) -> list[dict[str, Any]]:
    """A row for each value of a fact that is told, and how many scans have another one, or none."""
    values = [scan.fact(factor) for scan in site.scans]
    shown = _ordered(set(told(values, factor)), factor)
    rows = []
    for value in shown:
        scans = [scan for scan in site.scans if scan.fact(factor) == value]
        review = sum(scan.verdict not in ("", "pass") for scan in scans)
        curves = {part: curve(scans, site, part) for part in PARTS}
        rows.append({"value": value, "scans": len(scans), "doubtful_pose": review, **rates(scans, site)})
        rows[-1] |= {"p_values": curves}
    few = sum(value not in ("", *shown) for value in values)
    left = {"in smaller groups": few, "not known": values.count("")}
    return [*rows, *({"value": words, "scans": count} for words, count in left.items() if count)]


def _ordered(values: set[str], factor: str) -> list[str]:
    """The values of a fact in their order."""
    order = [words for _, words in CLASSES.get(factor, ())]
    return sorted(values, key=lambda value: (order.index(value) if value in order else 0, value))


def curve(scans: Sequence[Scan], site: Site, part: str) -> list[list[float]]:
    """Points [expected, p-value] of sorted conformal p-values against uniform ones, at most `POINTS` of them."""
    scores = {kind: kinds_of(scans, kind) for kind in PARTS[part]}
    found = [conformal_p(np.concatenate(own), site.calibration.healthy[kind]) for kind, own in scores.items() if own]
    if not found:
        return []
    values = np.sort(np.concatenate(found))
    expected = (np.arange(values.size) + 0.5) / values.size
    if values.size > POINTS:
        at = (np.arange(POINTS) + 0.5) / POINTS
        expected, values = at, np.interp(at, expected, values)
    return [[round(float(one), 4), round(float(other), 4)] for one, other in zip(expected, values, strict=True)]


def _plain(test: SiteTest | ImageTest) -> dict[str, Any]:
    """A test with rounded numbers."""
    numbers = {"effect": round(test.effect, 3), "p": float(f"{test.p:.3g}"), "adjusted": float(f"{test.adjusted:.3g}")}
    return {**asdict(test), **numbers, "counts": test.counts}


def _images(images: Images) -> Content:
    """The number of scans with each measure of images, medians by scanner, the tests, and those that are named."""
    return {
        "measured": dict(images.measured),
        "scanners": [{"value": level, **own} for level, own in images.medians.items()],
        "tests": [_plain(test) for test in sorted(images.tests, key=lambda one: one.p)],
        "named": [_plain(test) for test in images.named],
    }


def _responsible(found: Explained) -> dict[str, Any]:
    """The groups that are responsible, and whether alone."""
    rows: list[Mapping[str, Any]] = [
        {
            "factor": one.key[0],
            "value": one.key[1],
            "same_scans": [{"factor": factor, "value": value} for factor, value in one.same],
        }
        for one in found.named
    ]
    return {
        "named": rows,
        "alone": found.alone,
        "scans_left": found.left,
        "rest": [_plain(test) for test in found.rest],
    }
