"""The pictures of a scored case, drawn from its maps on the scan's own grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..anomaly.detections.places import voxel_threshold
from ..anomaly.scores import POOLINGS, score_name
from ..findings import UNEVEN
from ..preprocessing.regions import REGIONS, SKULL
from ..statistics.alpha import ALPHA, percent, percent_below
from .flags import flags_in_words
from .marks import Mark, marks
from .overview import overview
from .panels import PANEL
from .strip import Healthy
from .unrolled_skull import unrolled_map, unrolled_skull

OVERVIEW, SKULL_PICTURE = "overview.png", "skull.png"
"""Files of the pictures."""

SHORT_UNITS = {"error": "mm", "reconstruction": "%"}
"""Units of maps, as the picture writes them; the others have none."""


def case_pictures(data: Mapping[str, Any], result: Mapping[str, Any], score: str = "") -> dict[str, bytes]:
    """The pictures of a case by name: the overview and, where the skull was assessed, the unrolled skull.

    `score` says how the scores pool the map (see `anomaly.scores.POOLINGS`); without it no healthy scores are shown.
    """
    heatmap = data["pred"][0].cpu().numpy().astype(np.float32)
    labels = data["regions"][0].cpu().numpy().astype(np.uint8)
    details, shown, skull = result["score_details"], result["map"], data.get("skull_assessment")
    limits = limits_of(data, result)
    leave_unscored_out(heatmap, labels, result["scores"])
    threshold = one_scale(heatmap, labels, limits) if shown != "error" else None
    rows = result["detections"]
    first = 1 + next((place for place, row in enumerate(rows) if row["region"] == "skull"), len(rows))
    picture = overview(
        np.asarray(data["scan"][0]),
        heatmap,
        np.asarray(data["pred"].affine, dtype=np.float64),
        regions=labels,
        scores=result["scores"],
        percentiles={name: numbers.get("percentile") for name, numbers in details.items()},
        coverage={name: numbers.get("coverage") for name, numbers in details.items()},
        flags=flags_in_words(result["findings"]),
        unit=SHORT_UNITS.get(shown, ""),
        threshold=threshold,
        unconfirmed=result["quality"]["verdict"] == "unconfirmed",
        even=UNEVEN.isdisjoint(found["code"] for found in result["findings"]),
        marks=case_marks(data, result) if threshold else [],
        healthy=healthy_scores(data, result, score),
        skull=None if skull is None else unrolled_map(skull, PANEL, first),
        meaning=meaning(shown, alpha_of(data)),
    )
    return {OVERVIEW: picture, **({} if skull is None else {SKULL_PICTURE: unrolled_skull(skull, first)})}


def meaning(shown: str, alpha: float) -> str:
    """The meaning of a map's threshold by alpha: of the calibrated one, that of detections; else that of the scores."""
    if shown == "calibrated":
        return f"{percent(alpha)} of healthy heads have a place above it"
    return f"{percent_below(alpha)} of healthy scores are less"


def alpha_of(data: Mapping[str, Any]) -> float:
    """The alpha of a case's thresholds."""
    holder = data.get("thresholds") or data.get("skull_assessment")
    return ALPHA if holder is None else float(holder.alpha)


def limits_of(data: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, float | None]:
    """By region what the heatmap's contours enclose: of the calibrated map of the brain, what detections exceed.

    Without healthy scores for that, and of other maps, it is the threshold of the scores.
    """
    limits = {name: numbers.get("threshold") for name, numbers in result["score_details"].items()}
    voxel = brain_limit(data)
    if result["map"] == "calibrated" and voxel:
        limits |= {name: voxel for name, label in REGIONS.items() if label != SKULL and limits.get(name)}
    return limits


def brain_limit(data: Mapping[str, Any]) -> float | None:
    """The threshold of detections in the brain; None where it is not known."""
    thresholds = data.get("thresholds")
    return None if thresholds is None else voxel_threshold(thresholds)


def case_marks(data: Mapping[str, Any], result: Mapping[str, Any]) -> list[Mark]:
    """The marks of a case's detections; of a region without a threshold there are none."""
    limits = {"brain": brain_limit(data), "skull": result["score_details"].get("skull", {}).get("threshold")}
    return marks(result["detections"], limits)


def healthy_scores(data: Mapping[str, Any], result: Mapping[str, Any], score: str) -> dict[str, Healthy]:
    """By region the healthy scores that its own is compared with; `score` says how the map is pooled."""
    thresholds, details = data.get("thresholds"), result["score_details"]
    if thresholds is None or score not in POOLINGS:
        return {}
    made = ", simulated" if thresholds.facts.get("source", {}).get("scans") == "simulated" else ""
    found = {}
    for name in details:
        values = list(thresholds.scores_of(name, score_name(result["map"], score)))
        words = "healthy scans" if REGIONS[name] == SKULL else "healthy hemispheres"
        found[name] = Healthy(values, words + made, details[name].get("threshold"), thresholds.alpha)
    skull = data.get("skull_assessment")
    if result["map"] == "calibrated" and "skull" in found:
        values = [] if skull is None else sorted(float(value) for value in skull.healthy)
        found["skull"] = replace(found["skull"], scores=values)
    return found


def leave_unscored_out(
    heatmap: NDArray[np.float32], regions: NDArray[np.uint8], scores: Mapping[str, float | None]
) -> None:
    """Set a heatmap (I, J, K) to 0, in place, in the regions that have no score."""
    for name, score in scores.items():
        if score is None:
            heatmap[regions == REGIONS[name]] = 0


def one_scale(
    heatmap: NDArray[np.float32], regions: NDArray[np.uint8], limits: Mapping[str, float | None]
) -> float | None:
    """The threshold (None if unknown) of a heatmap (I, J, K) that the picture shows in one scale.

    The regions' thresholds differ, by far so that of the skull. So each region is scaled, in place, to the highest
    threshold of a hemisphere, or of the skull where no hemisphere has one.
    """
    known = {name: float(limit) for name, limit in limits.items() if limit and name in REGIONS}
    if not known:
        return None
    brain = [limit for name, limit in known.items() if REGIONS[name] != SKULL]
    threshold = max(brain or known.values())
    for name, limit in known.items():
        if limit != threshold:
            heatmap[regions == REGIONS[name]] *= threshold / limit
    return threshold
