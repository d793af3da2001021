"""Compares two folders of results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.results.record import verify

ROOT = Path(__file__).resolve().parents[2]


def without_timings(folder: Path) -> dict[str, Any]:
    return {key: value for key, value in verify(folder).items() if key != "timings_s"}


def same_results(one: Path, other: Path, apart_from: set[str] | None = None) -> None:
    """Both folders hold the same bytes, but for the timings in result.json."""
    volumes = (f"{name}.nii.gz" for name in ("detections", "heatmap", "error_map", "regions", "scan"))
    for name in (*volumes, "overview.png", "detections.csv"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    first, second = without_timings(one), without_timings(other)
    for key in first.keys() - (apart_from or set()):
        assert json.dumps(first[key]) == json.dumps(second[key]), key
