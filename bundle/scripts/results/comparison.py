"""Notes on the healthy scans that a result is compared with: where they are few, or simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..findings import finding

FEW_SCANS = 40
"""With fewer healthy scans, the interval of a percentile in the middle is over 30 points wide."""


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
