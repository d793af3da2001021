"""What a result is compared with is what its picture shows."""

from __future__ import annotations

import json

import pytest
from scored_case import calibrated, case

from scripts.anomaly.scores import Thresholds
from scripts.results.compared import compared_with
from scripts.results.pictures import brain_limit, healthy_scores, limits_of
from scripts.results.writer import case_result


def test_it_holds_the_healthy_scores_and_the_thresholds() -> None:
    lists = {"hemisphere": {"calibrated_percentile_95": tuple(n + 0.12345 for n in range(20))}}
    data = {**calibrated(), "thresholds": Thresholds(lists, {"scans": 10, "source": {"scans": "simulated"}})}
    result = case_result(data, {})
    found = compared_with(data, result, "percentile_95")
    drawn = healthy_scores(data, result, "percentile_95")
    assert found["healthy"].keys() == drawn.keys() == result["score_details"].keys()
    left = found["healthy"]["left_hemisphere"]
    assert (left["of"], left["threshold"]) == ("healthy hemispheres, simulated", 4.5)
    assert left["scores"] == pytest.approx(drawn["left_hemisphere"].scores, abs=5e-4)
    assert left["scores"][0] == 0.123
    assert found["contours"] == limits_of(data, result)
    assert found["detections"] == {"brain": brain_limit(data), "skull": 5.5}
    assert json.loads(json.dumps(found)) == found


def test_without_a_calibration_there_is_nothing_to_compare_with() -> None:
    data = case()
    assert compared_with(data, case_result(data, {}), "percentile_95") == {
        "healthy": {},
        "contours": {"left_hemisphere": None},
        "detections": {"brain": None, "skull": None},
    }
