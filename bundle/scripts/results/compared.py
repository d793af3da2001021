"""Healthy scores and thresholds of a result, `compared_with` in `result.json`: all that a report needs beside files.

*Contours* are by region the value of the heatmap above which a place is shown; *detections* the thresholds of the lists
of detections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .pictures import brain_limit, healthy_scores, limits_of

DIGITS = 3
"""Decimals of healthy scores."""


def compared_with(data: Mapping[str, Any], result: Mapping[str, Any], score: str) -> dict[str, Any]:
    """Healthy scores and thresholds of a case; `score` says how its scores pool the map (see `pictures`)."""
    skull = result["score_details"].get("skull", {}).get("threshold")
    return {
        "healthy": {
            name: {"of": found.words, "threshold": found.threshold, "scores": [round(v, DIGITS) for v in found.scores]}
            for name, found in healthy_scores(data, result, score).items()
        },
        "contours": limits_of(data, result),
        "detections": {"brain": brain_limit(data), "skull": skull},
    }
