"""Notes on the healthy scans that a result is compared with: where they are few, also for alpha, or simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..findings import finding
from ..statistics.alpha import reached, smallest_in_words

FEW_SCANS = 40
"""With fewer healthy scans, the interval of a percentile in the middle is over 30 points wide."""


PLACES_IN_BRAIN = "places in the brain"
"""The threshold of detections: on either side of a head it takes half of alpha."""


def comparison_findings(calibration: Mapping[str, Any] | None, skull: Mapping[str, Any]) -> list[dict[str, str]]:
    """The notes for the facts of a calibration (None without one) and the numbers of the skull in `score_details`."""
    facts = calibration or {}
    counts = {"brain": facts.get("scans"), "skull": skull.get("skull_healthy_scores")}
    few = [f"{count} for the {what}" for what, count in counts.items() if count is not None and count < FEW_SCANS]
    found = []
    if few:
        found.append(finding("calibration_small", f"Healthy scans to compare with are few: {' and '.join(few)}."))
    if facts.get("source", {}).get("scans") == "simulated":
        found.append(finding("calibration_simulated", "Every healthy scan of the calibration is simulated."))
    return [one.as_dict() for one in found]


def alpha_findings(alpha: float, healthy: Mapping[str, int | None]) -> list[dict[str, str]]:
    """A note where an alpha is smaller than healthy scores can tell; `healthy` counts them by threshold.

    Their threshold is the highest of the healthy scores.
    """
    found: dict[str, list[str]] = {}
    for what, count in healthy.items():
        sides = 2 if what == PLACES_IN_BRAIN else 1
        if count and not reached(alpha / sides, count):
            found.setdefault(f"{count}, which tell {smallest_in_words(count, sides)} at least", []).append(what)
    if not found:
        return []
    words = "; ".join(f"of {' and '.join(names)} there are {counts}" for counts, names in found.items())
    text = f"Healthy scores are too few for thresholds of alpha {alpha:g}: {words}."
    return [finding("alpha_unreached", text).as_dict()]
