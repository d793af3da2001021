"""Scores of a skull from the surprises of a position network, each scan calibrated by healthy ones of other anatomies.

A map's mean and standard deviation (sd) at each place are over healthy scans of the same class of slices and their
mirror images. With the map Q and its envelope E, a place is unusual by z = (Q - mean) / sd or, *left against right*, by
z = min(Q - mean, Q - E at the mirror place) / sd. The score is the largest z, or the mean of the highest
`TOP` of the places, over its *limit*: the mean plus 1.645 sd of the scores of healthy scans which their own anatomy's
scans did not calibrate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.skull.atlas import Atlas
from scripts.skull.calibration import LEAST_SD_SHARE, LIMIT_SDS
from scripts.skull.directions import mirrored
from scripts.skull.pooling import envelope
from scripts.statistics.auroc import auroc

from .draw import KINDS
from .judge import class_of

Array = NDArray[np.float32]
Scores = dict[tuple[str, str, str], float]

MAPS, SIDES, POOLINGS = ("surprise", "error"), ("place", "left-right"), ("largest", "top 1 %")
VARIANTS = tuple(product(MAPS, SIDES, POOLINGS))

TOP = 0.01
"""Share of the places whose mean is a score."""

LEAST_LIMIT = 1e-3
"""The lowest limit: scores are divided by it."""


@dataclass(frozen=True, eq=False)
class Case:
    """A scan: its name, its truth, its maps (2, m) of surprise and error at pooled places, and the known places."""

    name: str
    truth: dict[str, Any]
    maps: Array
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Scored:
    """The kind of a scan's fracture, its scores by variant, and the skull's score, all over their limits."""

    kind: str | None
    scores: Scores
    skull: float


def normative(healthy: Sequence[Case]) -> tuple[Array, Array]:
    """Mean and sd (2, m) over healthy scans and their mirror images; the mean is infinite where none is known.

    Raises:
        ValueError: there are fewer than two scans.
    """
    if len(healthy) < 2:
        raise ValueError(f"A calibration needs 2 healthy scans at least, got {len(healthy)}.")
    maps = np.stack([image for case in healthy for image in (case.maps, mirrored(case.maps))])
    known = np.stack([image for case in healthy for image in (case.known, mirrored(case.known))])[:, None]
    count = known.sum(axis=0)
    mean = (maps * known).sum(axis=0) / np.maximum(count, 1)
    sd = np.sqrt(((maps - mean) ** 2 * known).sum(axis=0) / np.maximum(count - 1, 1))
    enough = count[0] >= 4
    least = LEAST_SD_SHARE * np.median(sd[:, enough], axis=1, keepdims=True)
    return np.where(enough, mean, np.inf).astype(np.float32), np.maximum(sd, least).astype(np.float32)


def pooled_scores(case: Case, usual: tuple[Array, Array], atlas: Atlas) -> Scores:
    """The score of each variant, not yet over its limit."""
    mean, sd = usual
    around = np.concatenate([envelope(row[None] * case.known, atlas) for row in case.maps])
    above = case.maps - mean
    z = {SIDES[0]: above / sd, SIDES[1]: np.minimum(above, case.maps - mirrored(around)) / sd}
    found = {}
    for name, side in product(MAPS, SIDES):
        values = np.sort(z[side][MAPS.index(name)][case.known & np.isfinite(mean[0])])
        top = values[-max(round(TOP * len(values)), 1) :]
        found |= {(name, side, POOLINGS[0]): float(values[-1]), (name, side, POOLINGS[1]): float(top.mean())}
    return found


def calibrated(healthy: Sequence[Case], atlas: Atlas) -> tuple[tuple[Array, Array], Scores]:
    """The normative of healthy scans, and the limit of each variant.

    Raises:
        ValueError: they are of fewer than two anatomies.
    """
    names = sorted({one.truth["anatomy"] for one in healthy})
    if len(names) < 2:
        raise ValueError(f"A calibration needs healthy scans of two anatomies, got {len(names)}.")
    scores = []
    for name in names:
        usual = normative([one for one in healthy if one.truth["anatomy"] != name])
        scores += [pooled_scores(one, usual, atlas) for one in healthy if one.truth["anatomy"] == name]
    values = {variant: np.array([one[variant] for one in scores]) for variant in VARIANTS}
    limits = {name: float(some.mean() + LIMIT_SDS * some.std(ddof=1)) for name, some in values.items()}
    return normative(healthy), {name: max(limit, LEAST_LIMIT) for name, limit in limits.items()}


def scores_of(cases: Sequence[Case], atlas: Atlas) -> dict[str, Scores]:
    """The scores of each scan over their limits, by the healthy scans of other anatomies among the cases.

    Raises:
        ValueError: there are healthy scans of fewer than two other anatomies.
    """
    found = {}
    for anatomy, group in sorted({(one.truth["anatomy"], class_of(one.truth)) for one in cases}):
        same = [one for one in cases if class_of(one.truth) == group]
        others = [one for one in same if one.truth["kind"] is None and one.truth["anatomy"] != anatomy]
        usual, limits = calibrated(others, atlas)
        for one in (one for one in same if one.truth["anatomy"] == anatomy):
            values = pooled_scores(one, usual, atlas)
            found[one.name] = {variant: values[variant] / limits[variant] for variant in VARIANTS}
    return found


def table(cases: Sequence[Scored]) -> str:
    """AUROC by kind of the skull's score, of each variant, and of the larger of both, in Markdown."""
    lines = ["| score | " + " | ".join([*(kind.split("_")[0] for kind in KINDS), "all"]) + " |", "|---" * 5 + "|"]
    lines.append(row("skull's score", cases, [case.skull for case in cases]))
    for variant in VARIANTS:
        alone = [case.scores[variant] for case in cases]
        both = [max(case.skull, value) for case, value in zip(cases, alone, strict=True)]
        lines.append(row(", ".join(variant), cases, alone))
        lines.append(row(", ".join(variant) + ", joined", cases, both))
    return "\n".join(lines)


def row(label: str, cases: Sequence[Scored], values: Sequence[float]) -> str:
    """A row of the table: AUROC of each kind against all healthy scans."""
    cells = []
    for kinds in (*((kind,) for kind in KINDS), KINDS):
        some = [
            (value, case.kind is not None)
            for value, case in zip(values, cases, strict=True)
            if case.kind in (None, *kinds)
        ]
        one = (
            auroc(*(np.array(column) for column in zip(*some, strict=True)))
            if any(sick for _, sick in some)
            else np.nan
        )
        cells.append(f"{one:.2f}".replace("0.", "."))
    return f"| {label} | " + " | ".join(cells) + " |"
