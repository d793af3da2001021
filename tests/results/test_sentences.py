"""The result in sentences: what was found, that nothing was, and what was not judged."""

from __future__ import annotations

from typing import Any

import pytest
from detection_rows import AFFINE, BRAIN, SKULL

from scripts.results.detections import listed
from scripts.results.sentences import NOTHING, SOMETHING, UNCONFIRMED, summary


def result(rows: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    scores = {"left_hemisphere": 1.0, "right_hemisphere": 1.2, "skull": 2.0}
    return {
        "detections": listed(rows or [], AFFINE, 56, even=True),
        "findings": [],
        "scores": scores,
        "score_details": {"skull": {"skull_score": 2.0}},
        "calibration": {"scans": 84},
        "quality": {"verdict": "pass"},
    } | more


def codes(*names: str) -> list[dict[str, str]]:
    return [{"code": name} for name in names]


def test_nothing_above_the_threshold_is_said_and_does_not_exclude_disease() -> None:
    assert summary(result()) == f"Nothing above the threshold was found in brain and skull. {NOTHING}"


def test_a_score_above_its_threshold_is_told_where_no_place_is() -> None:
    details = {
        "right_hemisphere": {"threshold": 1.1},
        "left_hemisphere": {"threshold": 1.1},
        "skull": {"skull_score": 2},
    }
    said = "Yet the score of the right hemisphere, 1.2, is above its threshold of 1.1."
    assert summary(result(score_details=details)) == (
        f"Nothing above the threshold was found in brain and skull. {said} {NOTHING}"
    )
    assert said not in summary(result([BRAIN], score_details=details)), "a place says it"
    unscored = {"left_hemisphere": None, "right_hemisphere": None, "skull": 2.0}
    assert "Yet" not in summary(result(score_details=details, scores=unscored))


def test_what_is_found_is_told_with_place_size_and_slice() -> None:
    assert summary(result([BRAIN, SKULL])) == (
        "Brain, 1 place above the threshold: frontal lobe on the left, brighter than its surroundings (62 HU), "
        "12.5 ml, 30 mm long, slice 15. "
        "Skull, 1 place above the threshold: a line of 45 mm, parietal bone on the right, slice 22. " + SOMETHING
    )


def test_of_many_places_two_are_described() -> None:
    midline = BRAIN | {"side": "both", "density": None, "name": "third ventricle"}
    text = summary(result([BRAIN, midline, BRAIN, BRAIN]))
    assert text.startswith("Brain, 4 places above the threshold: frontal lobe on the left, ")
    assert "; third ventricle on both sides, 12.5 ml, 30 mm long, slice 15; and 2 with lower peaks. " in text
    assert "Nothing above the threshold was found in the skull." in text


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"calibration": None}, "there are no healthy scans to compare it with"),
        ({"findings": codes("unlike_calibration")}, "the head is unlike all healthy scans"),
        ({"findings": codes("bone_kernel")}, "the scan has a bone kernel"),
        ({"scores": {"left_hemisphere": None, "right_hemisphere": None, "skull": 2.0}}, "too little of it is in view"),
    ],
)
def test_a_brain_that_was_not_judged_is_not_called_free(more: dict[str, Any], reason: str) -> None:
    text = summary(result(**more))
    expected = f"The brain was not judged: {reason}. Nothing above the threshold was found in the skull. {NOTHING}"
    assert text == expected


def test_what_was_judged_in_part_is_not_called_free() -> None:
    one = summary(result(scores={"left_hemisphere": None, "right_hemisphere": 1.0}))
    assert one.startswith("Nothing above the threshold was found in the brain (right hemisphere only). ")
    skull = summary(result(score_details={"skull": {}}, findings=codes("skull_not_judged")))
    assert "found in the brain. The skull was not judged: the findings say why." in skull
    published = summary(result(score_details={"skull": {}}))
    assert "The skull was not judged: there are no healthy skulls to compare it with." in published


def test_a_skull_that_is_hardly_in_view_is_not_called_free() -> None:
    scores = {"left_hemisphere": 1.0, "right_hemisphere": 1.2, "skull": None}
    assert "The skull was not judged: too little of it is in view." in summary(result(scores=scores))


def test_of_an_unconfirmed_pose_the_last_sentence_warns() -> None:
    assert summary(result([BRAIN], quality={"verdict": "unconfirmed"})).endswith(f" {UNCONFIRMED}")


def test_an_alpha_that_was_set_has_a_sentence() -> None:
    said = "Thresholds are those of alpha 0.01: 1 % of the healthy scores of each lie above it."
    assert summary(result(), 0.01) == f"Nothing above the threshold was found in brain and skull. {said} {NOTHING}"
    assert summary(result(), 0.05) == summary(result())
