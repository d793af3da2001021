"""Stage 3: scores of the cases, each calibrated on healthy scans of other anatomies, and the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.calibration.files import load_scan, load_skull
from scripts.skull.calibration import Class, Image, cross_fitted, peaks_of
from scripts.skull.files import CLASSES, Calibration
from scripts.skull.measure import MAPS
from scripts.skull.staircase import is_thick
from scripts.statistics.auroc import auroc, clustered_bootstrap, threshold_at_specificity
from scripts.statistics.standing import separated_interval

from .draw import KINDS
from .measured import Measured

SPECIFICITY, NEAR_MM = 0.95, 10.0
SCORES = (*MAPS, "score")


@dataclass(frozen=True)
class Judged:
    """A case with its score, the standardised peak of each map, the threshold, and the peak's distance, mm."""

    anatomy: str
    kind: str | None
    slices: str
    scores: dict[str, float]
    threshold: float
    away_mm: float | None


def class_of(truth: Mapping[str, Any]) -> str:
    """The class of a calibration that a case belongs to, by the distance of its slices."""
    return CLASSES[int(is_thick(truth["increment_mm"]))]


def healthy_of(cases: Sequence[Measured], group: str) -> list[Measured]:
    """The healthy cases of a class of a calibration."""
    return [one for one in cases if one.truth["kind"] is None and class_of(one.truth) == group]


def fitted(healthy: Sequence[Measured]) -> tuple[Class, list[float]]:
    """The class of healthy cases and their scores without their own anatomies."""
    return cross_fitted([one.skull for one in healthy], [one.truth["anatomy"] for one in healthy])


@dataclass(frozen=True)
class Healthy:
    """A healthy skull, its anatomy and its class of slices."""

    skull: Image
    anatomy: str
    group: str


def own_healthy(cases: Sequence[Measured]) -> list[Healthy]:
    """The healthy ones of the cases."""
    some = [case for case in cases if case.truth["kind"] is None]
    return [Healthy(case.skull, case.truth["anatomy"], class_of(case.truth)) for case in some]


def healthy_in(work: Path) -> list[Healthy]:
    """The healthy skulls in the work folder of `head-ct-anomaly calibrate`."""
    found = []
    for path in sorted(work.glob("*.npz")):
        if (skull := load_skull(path)) is not None:
            anatomy = str(load_scan(path)[1]["group"])
            found.append(Healthy(skull.image(), anatomy, CLASSES[int(skull.thick)]))
    return found


def judged(cases: Sequence[Measured], healthy: Sequence[Healthy]) -> Iterator[Judged]:
    """Each case, judged by the healthy skulls of all other anatomies.

    Raises:
        ValueError: there are healthy skulls of fewer than two others.
    """
    for anatomy in sorted({one.truth["anatomy"] for one in cases}):
        for group in CLASSES:
            own = [c for c in cases if c.truth["anatomy"] == anatomy and class_of(c.truth) == group]
            others = [one for one in healthy if one.anatomy != anatomy and one.group == group]
            if own:
                if len({one.anatomy for one in others}) < 2:
                    raise ValueError(f"{anatomy} in {group} slices needs healthy skulls of two other anatomies.")
                usual, scores = cross_fitted([one.skull for one in others], [one.anatomy for one in others])
                limit = threshold_at_specificity(scores, SPECIFICITY)
                yield from (judge(case, usual, limit) for case in own)


def judged_by(cases: Sequence[Measured], calibration: Calibration) -> list[Judged]:
    """Each case, judged by a calibration whoever it was made of."""
    limits = {name: threshold_at_specificity(scores, SPECIFICITY) for name, scores in calibration.healthy.items()}
    groups = [class_of(case.truth) for case in cases]
    return [judge(case, calibration.classes[name], limits[name]) for case, name in zip(cases, groups, strict=True)]


def judge(case: Measured, usual: Class, threshold: float) -> Judged:
    """A case, judged by a class of a calibration."""
    peaks = peaks_of(case.skull, usual.usual)
    scores = {name: float(usual.standard(name, peaks[name].z)) for name in MAPS}
    best = max(MAPS, key=lambda name: scores[name])
    away = None
    if case.truth["kind"]:
        point = case.points_mm[peaks[best].place]
        away = float(np.linalg.norm(case.lesion_mm - point, axis=1).min())
    scores["score"] = scores[best]
    return Judged(case.truth["anatomy"], case.truth["kind"], case.truth["slices"], scores, threshold, away)


def interval(cases: Sequence[Judged], name: str) -> str:
    """AUROC of a score with its interval, clustered by anatomy."""
    values, labels = np.array([c.scores[name] for c in cases]), np.array([c.kind is not None for c in cases])

    def statistic(index: NDArray[np.intp]) -> float:
        return auroc(values[index], labels[index])

    low, high = clustered_bootstrap(statistic, [c.anatomy for c in cases])
    low, high = separated_interval(low, high, int(min(labels.sum(), (~labels).sum())))
    return f"{auroc(values, labels):.2f} [{low:.2f}, {high:.2f}]".replace("0.", ".")


def table(cases: Sequence[Judged]) -> str:
    """AUROC by kind and score, then by class of slices with sensitivity, specificity and the peak, in Markdown."""
    healthy = [case for case in cases if case.kind is None]
    lines = ["| score | " + " | ".join([*(kind.split("_")[0] for kind in KINDS), "all"]) + " |", "|---" * 5 + "|"]
    for name in SCORES:
        some = [*([c for c in cases if c.kind == kind] for kind in KINDS), [c for c in cases if c.kind]]
        cells = [
            interval([*healthy, *one], name) if name == "score" and one else auroc_of(healthy, one, name)
            for one in some
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| slices | fractured / healthy | linear | depressed | diastatic | all | sens. | spec. | peak |"]
    lines.append("|---" * 9 + "|")
    for slices in dict.fromkeys(case.slices for case in cases):
        lines.append(row(slices, [case for case in cases if case.slices == slices]))
    lines.append(row("up to 3 mm", [case for case in cases if case.slices != "thick"]))
    lines.append(row("all", cases))
    return "\n".join(lines)


def table_by_kind(cases: Sequence[Judged]) -> str:
    """A row a kind: AUROC of the score and of each map, shares found and with the peak near, and what was missed."""
    healthy = [case for case in cases if case.kind is None]
    kept = np.mean([c.scores["score"] <= c.threshold for c in healthy])
    maps = " | ".join(MAPS)
    lines = [f"| fracture | scans | AUROC | {maps} | found | peak | missed: slices, score |", "|---" * 9 + "|"]
    kinds = list(dict.fromkeys(case.kind for case in cases if case.kind))
    for kind in (*kinds, "all"):
        sick = [case for case in cases if case.kind and kind in (case.kind, "all")]
        alone = [auroc_of(healthy, sick, name) for name in MAPS]
        found, near = ([one(c) for c in sick] for one in (above, near_peak))
        missed = [f"{c.slices} {c.scores['score']:.1f}" for c in sick if not above(c)] if kind != "all" else []
        cells = [interval([*healthy, *sick], "score"), *alone, f"{sum(found)}", f"{sum(near)}", ", ".join(missed)]
        lines.append(f"| {kind} | {len(sick)} | " + " | ".join(cells) + " |")
    return "\n".join(
        [*lines, "", f"{len(healthy)} healthy scans, {100 * kept:.0f} % of them at or below the threshold"]
    )


def above(case: Judged) -> bool:
    """True if the score is above the threshold."""
    return case.scores["score"] > case.threshold


def near_peak(case: Judged) -> bool:
    """True if the peak lies near the fracture."""
    return case.away_mm is not None and case.away_mm <= NEAR_MM


def row(label: str, cases: Sequence[Judged]) -> str:
    """A row of the second table."""
    healthy, sick = ([c for c in cases if (c.kind is None) == wanted] for wanted in (True, False))
    kinds = [[c for c in sick if c.kind == kind] for kind in KINDS]
    cells = [auroc_of(healthy, some) for some in kinds] + [interval([*healthy, *sick], "score")]
    found = np.mean([above(c) for c in sick])
    kept = np.mean([c.scores["score"] <= c.threshold for c in healthy])
    near = np.mean([near_peak(c) for c in sick])
    shares = [f"{100 * share:.0f} %" for share in (found, kept, near)]
    return f"| {label} | {len(sick)} / {len(healthy)} | " + " | ".join([*cells, *shares]) + " |"


def auroc_of(healthy: Sequence[Judged], sick: Sequence[Judged], name: str = "score") -> str:
    """AUROC of a score, without an interval."""
    if not sick:
        return ""
    values = [c.scores[name] for c in (*healthy, *sick)]
    return f"{auroc(values, [False] * len(healthy) + [True] * len(sick)):.2f}".replace("0.", ".")
