"""The noise of repeats: valid for the results that it was measured on, and for no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from compared_scan import CALIBRATION, NOISE, judged, noise_file

from scripts.anomaly.files import read_thresholds
from scripts.assets import asset
from scripts.sites.compare.repeats import NOISE_NAME, TIES, NoiseUnknown, noise_of, read_noise

RECORD = judged().record


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert noise_of((RECORD, RECORD), noise_file(tmp_path)) == NOISE
    assert NOISE.of_score("left_hemisphere", False) == 0.3
    assert NOISE.of_score("right_hemisphere", True) == 1.0
    assert NOISE.of_score("skull", True) == NOISE.of_score("skull", False) == 0.8


@pytest.mark.parametrize("name", TIES)
def test_of_other_weights_or_another_calibration_it_is_unknown(name: str, tmp_path: Path) -> None:
    other = {**RECORD, "calibration": {**CALIBRATION, name: "f" * 64}}
    for records in ((RECORD, other), (other, RECORD)):
        with pytest.raises(NoiseUnknown, match="measured with other weights, or another calibration"):
            noise_of(records, noise_file(tmp_path))


@pytest.mark.parametrize("change", [{"settings": {"map": "error"}}, {"calibration": None}])
def test_of_another_map_it_is_unknown(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(NoiseUnknown, match="calibrated map, which not both scans have"):
        noise_of((RECORD, {**RECORD, **change}), noise_file(tmp_path))


def test_a_missing_or_damaged_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoiseUnknown, match="no noise of repeats ships"):
        read_noise(tmp_path / "none.json")
    for damage in ({"format": "other"}, {"scores": 3}, {"peak": {}}):
        with pytest.raises(NoiseUnknown, match=r"noise.json can't be read \("):
            read_noise(noise_file(tmp_path, **damage))


def test_the_noise_that_ships_is_that_of_the_calibration_that_ships() -> None:
    """If weights or calibration were made anew: benchmarks/repeats.py measures it, in 10 CPU-minutes."""
    facts = read_thresholds(asset("models/thresholds.json")).facts
    noise = read_noise(Path(asset(NOISE_NAME)))
    assert {name: noise.facts["valid_for"][name] for name in TIES} == {name: facts[name] for name in TIES}
    assert noise.volume_ratio > 1
    assert noise.peak > 0
    assert noise.difference > 0
