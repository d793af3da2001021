from __future__ import annotations

from pathlib import Path

import pytest

from scripts.anomaly.chosen_calibration import calibration_values, why_no_alpha
from scripts.anomaly.files import NORMATIVE_NAME, THRESHOLDS_NAME
from scripts.skull.files import NAME


def test_a_named_calibration_is_used_whole(tmp_path: Path) -> None:
    values = calibration_values(tmp_path)
    assert values["skull_normative"] == tmp_path / NAME
    assert values["normative"] == tmp_path / NORMATIVE_NAME
    assert values["thresholds"] == tmp_path / THRESHOLDS_NAME


@pytest.mark.parametrize("alpha", [None, 0.05, 0.006, 0.5])
def test_the_shipped_calibration_tells_these_alphas(alpha: float | None) -> None:
    assert why_no_alpha(alpha) == ""


def test_too_small_an_alpha_is_said_with_what_can_be_told() -> None:
    assert why_no_alpha(0.005) == (
        "alpha 0.005 is too small for 168 healthy hemispheres: they tell 0.006 at least. Use a larger alpha, or "
        "calibrate on more healthy scans."
    )


def test_without_healthy_scores_there_is_no_alpha(tmp_path: Path) -> None:
    assert why_no_alpha(0.01, tmp_path).startswith("Thresholds of alpha 0.01 need healthy scores. There is no thr")
