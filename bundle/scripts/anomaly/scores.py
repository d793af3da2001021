"""The scores of a scan by their names, and where they stand among healthy scans.

A *raw* score pools the error map (mm) or, of an autoencoder, its filtered residual (see `baseline.maps`), a
*calibrated* one the anomaly map (see `parts`); the pooling follows, as in `regions`: `raw_maximum` is the published
score. Each part of the anomaly map has one score, by its own name, which is the mean of its highest 1 %; `anomaly` is
that of all parts together. The *thresholds* are the sorted scores of
healthy scans that had no part in the normative they were judged by. Reference space is symmetric, so both hemispheres
of all scans share one list.

A score's *percentile* is the share of healthy scores below it (see `statistics`); its *threshold* is the lowest healthy
score that a share of 1 - alpha of them does not exceed (see `statistics.alpha`), 95 % where no alpha is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..preprocessing.regions import REGIONS
from ..statistics.alpha import ALPHA
from ..statistics.auroc import percentile_among, threshold_at_specificity
from ..statistics.standing import UNKNOWN, standing

PARTS = ("position", "asymmetry", "density", "density_one_sided")
"""Names of the parts of the anomaly map, see `parts`."""

MAPS = ("calibrated", "error", *PARTS)
"""Maps that the heatmap can be: all parts together, the error map, or one part."""

PREFIXES = {"calibrated": "calibrated", "error": "raw", "reconstruction": "raw"}
"""Prefixes of the scores' names, by map; a part's map has one score, by its own name."""

JOINED, TOP = "anomaly", "top_1_percent_mean"
"""Name of the score of all parts together, and how it and those of the parts are pooled."""

SCALED = "parts joined, each by what 80 % of healthy hemispheres do not exceed"

UNITS = {
    "calibrated": SCALED,
    "error": "mm",
    "reconstruction": "percent of the range of grey values",
    "position": "standard deviations, one side against the other",
    "asymmetry": "standard deviations",
    "density": "standard deviations",
    "density_one_sided": "standard deviations, one side against the other",
}
"""Unit of the values of each map."""

RAW = ("error", "reconstruction")
"""Maps that know every voxel; of the others, 0 means unknown."""

LISTS = {"left_hemisphere": "hemisphere", "right_hemisphere": "hemisphere", "skull": "skull"}
"""The list of healthy scores that each region is compared with."""

SCORES_PER_SCAN = {"hemisphere": 2, "skull": 1}
"""Scores of one healthy scan in each list."""

FEWEST_SCORES = 8
"""Fewer healthy scores than this are no scale to measure by."""

Details = dict[str, dict[str, float | int | None]]
"""Numbers by region, then by name: each score and `voxels`; in `result.json` also `percentile`, its interval and
`threshold` of the default score, and `coverage`. None where there is none."""


def score_name(kind: str, pooling: str) -> str:
    """Name of a score, e.g. "raw_maximum", of the map `kind` ("calibrated", "error", or a part).

    Raises:
        ValueError: there is no such map or pooling.
    """
    if kind in PARTS:
        return kind
    for what, value, known in (("map", kind, (*PREFIXES, *PARTS)), ("score", pooling, POOLINGS)):
        if value not in known:
            raise ValueError(f"{what} must be one of {', '.join(known)}, got {value!r}")
    return f"{PREFIXES[kind]}_{pooling}"


def map_scores(maps: Mapping[str, NDArray[np.floating]], regions: NDArray[np.uint8]) -> Details:
    """Every score of each region of maps (n, n, n), by kind of map, and the region's number of voxels on their grid.

    `regions` are the labels (m, m, m) on that grid or a finer one, of which every (m / n)-th voxel is taken. Of the
    anomaly map what is known counts, see `known_scores`.
    """
    found: Details = {}
    for kind, values in maps.items():
        step = -(-regions.shape[-1] // values.shape[-1])
        labels = regions[::step, ::step, ::step]
        voxels = {name: int((labels == label).sum()) for name, label in REGIONS.items()}
        pooled = region_scores(values, labels) if kind in RAW else known_scores(np.nan_to_num(values), labels)
        for region, scores in pooled.items():
            poolings = (TOP,) if kind in PARTS else POOLINGS
            named = {score_name(kind, pooling): scores[pooling] for pooling in poolings}
            named |= {JOINED: scores[TOP]} if kind == "calibrated" else {}
            found[region] = {**found.get(region, {}), **named, "voxels": voxels[region]}
    return found


def known_scores(
    distances: NDArray[np.floating], regions: NDArray[np.uint8]
) -> dict[str, dict[str, float | int | None]]:
    """`region_scores` of the places (n, n, n) whose distance from normal is known, which is above 0.

    A region of which half or more is unknown has no score.
    """
    found = region_scores(distances, np.where(distances > 0, regions, 0))
    for name, label in REGIONS.items():
        if 2 * int(found[name]["voxels"] or 0) <= int((regions == label).sum()):
            found[name] |= dict.fromkeys(POOLINGS)
    return found


def above_threshold(
    values: NDArray[np.float32], labels: NDArray[np.uint8], details: Mapping[str, Mapping[str, Any]], score: str
) -> dict[str, NDArray[np.bool_]]:
    """Masks of the voxels above the threshold in each region, the empty ones left out; arrays of one shape.

    `details` are the numbers of each region by name, `score` the name of the one that the thresholds are of.
    """
    masks = {}
    for region, label in REGIONS.items():
        numbers = details[region]
        if numbers.get(score) is not None and numbers.get("threshold") is not None:
            masks[region] = (labels == label) & (values > float(numbers["threshold"]))
    return {region: mask for region, mask in masks.items() if mask.any()}


@dataclass(frozen=True)
class Thresholds:
    """Sorted healthy scores by list ("hemisphere", "skull") and score, and the facts about how they were made.

    `alpha` is the share of them above the thresholds that are taken from them, `sha256` that of their file, by which
    a calibration is known; empty if they come from none.
    """

    healthy: Mapping[str, Mapping[str, tuple[float, ...]]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    alpha: float = ALPHA
    sha256: str = ""

    @classmethod
    def of(cls, scans: Iterable[Details], facts: Mapping[str, Any]) -> Thresholds:
        """The thresholds of healthy scans, from the scores of each; a region without a score is left out."""
        lists: dict[str, dict[str, list[float]]] = {name: {} for name in LISTS.values()}
        for details in scans:
            for region, numbers in details.items():
                for name, value in numbers.items():
                    if name.startswith((*PREFIXES.values(), *PARTS)) and value is not None:
                        lists[LISTS[region]].setdefault(name, []).append(float(value))
        return cls({k: {name: tuple(sorted(v)) for name, v in inner.items()} for k, inner in lists.items()}, facts)

    @property
    def scales(self) -> dict[str, float]:
        """The scales that join the parts, see `parts`; where the calibration names none, the asymmetry as it is."""
        return dict(self.facts.get("settings", {}).get("scales", {"asymmetry": 1.0}))

    def scores_of(self, region: str, name: str) -> tuple[float, ...]:
        """The healthy scores to compare with; none where they are too few."""
        scores = self.healthy.get(LISTS[region], {}).get(name, ())
        return scores if len(scores) >= FEWEST_SCORES else ()

    def percentile(self, region: str, name: str, score: float | None) -> float | None:
        """Percentile (0 to 100) of a score; None where there is no score, or nothing to compare it with."""
        healthy = self.scores_of(region, name)
        return percentile_among(score, healthy) if healthy and score is not None else None

    def standing(self, region: str, name: str, score: float | None) -> dict[str, float | int | None]:
        """The numbers of `statistics.standing` of a score; both hemispheres of a healthy scan count as one scan."""
        healthy = self.scores_of(region, name)
        if not healthy or score is None:
            return dict(UNKNOWN)
        return {**standing(score, healthy, SCORES_PER_SCAN[LISTS[region]]).numbers()}

    def threshold(self, region: str, name: str) -> float | None:
        """The score that 1 - alpha of the healthy ones do not exceed; None where there is nothing to take it from."""
        healthy = self.scores_of(region, name)
        return threshold_at_specificity(healthy, 1 - self.alpha) if healthy else None


POOLINGS = ("maximum", "percentile_99", "percentile_95", "top_1_percent_mean")
"""Ways to pool a map over a region."""


def region_scores(values: NDArray[np.floating], regions: NDArray[np.uint8]) -> dict[str, dict[str, float | int | None]]:
    """Maximum, 99th and 95th percentile and mean of the highest 1 % of `values` in each of `regions` (same shape).

    A region without a voxel gets null for each, never 0.
    """
    scores: dict[str, dict[str, float | int | None]] = {}
    for name, label in REGIONS.items():
        inside = np.sort(values[regions == label].astype(np.float64))
        if not inside.size:
            scores[name] = {**dict.fromkeys(POOLINGS), "voxels": 0}
            continue
        top = inside[-max(1, round(inside.size / 100)) :]
        scores[name] = {
            "maximum": float(inside[-1]),
            "percentile_99": float(np.percentile(inside, 99)),
            "percentile_95": float(np.percentile(inside, 95)),
            "top_1_percent_mean": float(top.mean()),
            "voxels": int(inside.size),
        }
    return scores


def compare(details: Details, score: str, thresholds: Thresholds | None) -> None:
    """Add to each region's numbers where its score stands among healthy scans, and the threshold; None unknown."""
    for region, numbers in details.items():
        value = numbers[score]
        numbers["percentile"] = thresholds.percentile(region, score, value) if thresholds else None
        numbers |= thresholds.standing(region, score, value) if thresholds else UNKNOWN
        numbers["threshold"] = thresholds.threshold(region, score) if thresholds else None
