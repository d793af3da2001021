"""The scores in words, the most unusual region first."""

from __future__ import annotations

from typing import Any

from scripts.results.dicom.report_words import scores_in_short, scores_in_words

HEALTHY = {"threshold": 2.71, "healthy_scores": 66}
RESULT: dict[str, Any] = {
    "scores": {"left_hemisphere": 0.93, "right_hemisphere": 12.4, "skull": 3.0},
    "score_details": {
        "left_hemisphere": {**HEALTHY, "healthy_below": 10},
        "right_hemisphere": {**HEALTHY, "healthy_below": 66},
        "skull": {"threshold": None},
    },
}


def test_a_sentence() -> None:
    assert scores_in_words(RESULT) == (
        "Right hemisphere 12.4, threshold 2.7, above all 66 healthy hemispheres; "
        "Left hemisphere 0.9, threshold 2.7, above 10 of 66 healthy hemispheres; Skull 3.0."
    )


def test_a_list_of_series_has_room_for_the_hemispheres() -> None:
    assert scores_in_short(RESULT) == "Scores R 12.4, L 0.9"
    assert scores_in_short({**RESULT, "scores": {"left_hemisphere": 0.93, "right_hemisphere": None}}) == "Scores L 0.9"
    assert scores_in_short({**RESULT, "scores": {}}) == "No scores"


def test_no_score() -> None:
    none = dict.fromkeys(RESULT["scores"])
    assert scores_in_words({**RESULT, "scores": none}).startswith("Left hemisphere without a score; ")
