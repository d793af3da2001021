"""A `result.json` of a cohort's case."""

from __future__ import annotations

RESULT = {
    "scores": {"left_hemisphere": 2.5, "right_hemisphere": 1 / 3, "skull": None},
    "score_details": {
        "left_hemisphere": {"raw_maximum": 10.0, "voxels": 12, "calibrated_maximum": 2.5},
        "right_hemisphere": {"raw_maximum": 0.1, "voxels": 11, "calibrated_maximum": 1 / 3},
        "skull": {"raw_maximum": None, "voxels": 0, "calibrated_maximum": None},
    },
    "timings_s": {"prepare": 1.25, "network": 2.5},
}
