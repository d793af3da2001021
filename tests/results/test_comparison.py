"""Notes on a calibration of few scans, or of simulated ones."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.findings import INFORMATION
from scripts.results.comparison import PLACES_IN_BRAIN, alpha_findings, comparison_findings

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


def test_an_alpha_that_healthy_scores_do_not_reach_is_noted_by_threshold() -> None:
    healthy = {"the left hemisphere": 168, "the right hemisphere": 168, "the skull": 54, PLACES_IN_BRAIN: 168}
    assert alpha_findings(0.05, {**healthy, "the left hemisphere": 19}) == []
    assert alpha_findings(0.02, healthy) == []
    assert alpha_findings(0.02, {"the skull": None}) == []
    (few,) = alpha_findings(0.05, {**healthy, "the skull": 8, PLACES_IN_BRAIN: 38})
    assert few["message"].startswith(
        "Healthy scores are too few for thresholds of alpha 0.05: of the skull there are 8, which tell 0.112 at "
        "least; of places in the brain there are 38, which tell 0.052 at least."
    )
    (found,) = alpha_findings(0.01, healthy)
    assert (found["code"], found["severity"]) == ("alpha_unreached", INFORMATION)
    assert found["message"].startswith(
        "Healthy scores are too few for thresholds of alpha 0.01: of the skull there are 54, which tell 0.019 at "
        "least; of places in the brain there are 168, which tell 0.012 at least."
    )
