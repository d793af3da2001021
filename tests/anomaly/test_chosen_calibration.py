from __future__ import annotations

from pathlib import Path

from scripts.anomaly.chosen_calibration import calibration_values
from scripts.anomaly.files import NORMATIVE_NAME, THRESHOLDS_NAME
from scripts.skull.files import NAME


def test_a_named_calibration_is_used_whole(tmp_path: Path) -> None:
    values = calibration_values(tmp_path)
    assert values["skull_normative"] == tmp_path / NAME
    assert values["normative"] == tmp_path / NORMATIVE_NAME
    assert values["thresholds"] == tmp_path / THRESHOLDS_NAME
