"""The table of a small cohort."""

from __future__ import annotations

from evaluated_heads import NETWORK

from scripts.cohort.table import Row

FACTS = {"network": NETWORK, "score": "calibrated_top_1_percent_mean", "settings": {}}


REGIONS = ("left_hemisphere", "right_hemisphere", "skull")


def rows(count: int) -> list[Row]:
    """Default scores that tell bleeds and fractures apart, and raw ones that tell nothing."""
    found = []
    for number in range(count):
        values = [float(number % 3 == 1), 0.1, float(number % 3 == 2)]
        default = dict(zip(REGIONS, values, strict=True))
        details = {r: {"raw_maximum": 1.0, "calibrated_top_1_percent_mean": v} for r, v in default.items()}
        found.append(Row(f"case-{number}", "done", "", default, details, 1.0))
    return found
