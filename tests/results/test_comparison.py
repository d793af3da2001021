"""Notes on a calibration of few scans, or of simulated ones."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.findings import INFORMATION
from scripts.results.comparison import comparison_findings

SIMULATED: dict[str, Any] = {"scans": 84, "source": {"scans": "simulated"}}
OWN: dict[str, Any] = {"scans": 84, "source": {"scans": "a folder"}}


@pytest.mark.parametrize(
    ("calibration", "skull", "codes"),
    [
        (None, {}, []),
        (OWN, {"skull_healthy_scores": 46}, []),
        (OWN, {"skull_healthy_scores": 23}, ["calibration_small"]),
        (OWN | {"scans": 39}, {}, ["calibration_small"]),
        (OWN | {"scans": 40}, {}, []),
        (SIMULATED, {}, ["calibration_simulated"]),
        (SIMULATED | {"scans": 12}, {}, ["calibration_small", "calibration_simulated"]),
    ],
)
def test_few_scans_and_simulated_ones_are_noted(calibration: Any, skull: Any, codes: list[str]) -> None:
    found = comparison_findings(calibration, skull)
    assert [one["code"] for one in found] == codes
    assert {one["severity"] for one in found} <= {INFORMATION}


def test_the_note_has_the_numbers() -> None:
    (found,) = comparison_findings(OWN | {"scans": 12}, {"skull_healthy_scores": 23})
    assert found["message"] == (
        "Healthy scans to compare with are few: 12 for the brain and 23 for the skull. "
        "Percentiles are rough: see their intervals."
    )
