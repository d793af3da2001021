"""The verdict follows the table of limits: level and peak judge the pose, the rest says whether a head lies there."""

from __future__ import annotations

import pytest

from scripts.registration.verdict import HEAD_LEVEL, PASS_LEVEL, PASS_PEAK, REVIEW_LEVEL, REVIEW_PEAK, SURE_LEVEL, judge

GOOD = {
    "level": 0.8,
    "peak": 0.04,
    "ncc": 0.8,
    "symmetry": 0.9,
    "bone_distance_mm": 1.0,
    "overlap": 0.7,
    "rotation_deg": 10.0,
    "scale": 1.0,
    "tipped_deg": 9.0,
    "brain_in_view": 1.0,
    "brain_hu": 32.0,
    "intracranial_ml": 1400.0,
    "distortion": 1.1,
    "inlier_fraction": 0.7,
}


def test_the_good_numbers_pass() -> None:
    assert judge(GOOD) == ("pass", (), True)
    assert judge({name: value for name, value in GOOD.items() if name != "inlier_fraction"}).verdict == "pass"


@pytest.mark.parametrize(
    ("level", "peak", "verdict"),
    [
        (PASS_LEVEL, PASS_PEAK, "pass"),
        (PASS_LEVEL - 0.001, 0.1, "review"),
        (REVIEW_LEVEL, 0.1, "review"),
        (REVIEW_LEVEL - 0.001, 0.1, "fail"),
        (HEAD_LEVEL, 0.1, "fail"),
        (HEAD_LEVEL - 0.001, 0.1, "fail"),
        (0.9, PASS_PEAK - 0.001, "review"),
        (0.9, -0.5, "review"),
        (SURE_LEVEL, REVIEW_PEAK - 0.001, "review"),
        (SURE_LEVEL - 0.001, REVIEW_PEAK, "review"),
        (SURE_LEVEL - 0.001, REVIEW_PEAK - 0.001, "fail"),
        (float("nan"), 0.1, "fail"),
        (0.9, float("nan"), "review"),
    ],
)
def test_level_and_peak_judge_the_pose(level: float, peak: float, verdict: str) -> None:
    found = judge({**GOOD, "level": level, "peak": peak})
    assert found.verdict == verdict
    assert found.head == (level >= HEAD_LEVEL)
    assert bool(found.reasons) == (verdict != "pass")


@pytest.mark.parametrize("name", ["ncc", "symmetry", "inlier_fraction"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_is_only_reported_changes_nothing(name: str, value: float) -> None:
    assert judge({**GOOD, name: value}) == judge(GOOD)
    doubtful = {**GOOD, "level": 0.6}
    assert judge({**doubtful, name: value, "bone_distance_mm": 30 * (1 - value)}) == judge(doubtful)


@pytest.mark.parametrize(
    ("change", "verdict", "head", "reason"),
    [
        ({"level": 0.58}, "review", True, "brain there matches the reference to 0.58, should be 0.62"),
        ({"level": 0.5}, "fail", True, "matches the reference to 0.50"),
        ({"peak": -0.031}, "review", True, "matches better by 0.03 some 8 mm away, should be 0.02 at most"),
        ({"rotation_deg": 50.0}, "review", True, "turned by 50 degrees, should be 45"),
        ({"rotation_deg": 150.0}, "review", True, "turned by 150 degrees"),
        ({"rotation_deg": 150.0, "inlier_fraction": 0.44}, "fail", True, "turned by 150 degrees"),
        ({"scale": 0.7}, "review", True, "head size 0.70"),
        ({"overlap": 0.2}, "fail", False, "20% of the head"),
        ({"tipped_deg": 178.0}, "fail", False, "upside down by its header, 178 degrees"),
        ({"brain_in_view": 0.8}, "review", True, "80% of the brain in view"),
        ({"brain_in_view": 0.5}, "fail", False, "50% of the brain in view"),
        ({"brain_hu": 62.0}, "review", True, "brain of 62 HU, should be 15 to 55"),
        ({"brain_hu": float("nan")}, "fail", False, "brain of nan HU"),
        ({"intracranial_ml": 900.0}, "review", True, "intracranial volume 900 ml"),
        ({"intracranial_ml": 600.0}, "fail", False, "intracranial volume 600 ml"),
        ({"distortion": 1.2}, "review", True, "one side 1.20 times as long"),
        ({"distortion": 1.3}, "fail", False, "is the distance of the slices right?"),
    ],
)
def test_each_check_says_what_it_saw(change: dict[str, float], verdict: str, head: bool, reason: str) -> None:
    found = judge({**GOOD, **change})
    assert (found.verdict, found.head) == (verdict, head)
    assert len(found.reasons) == 1
    assert reason in found.reasons[0]


def test_a_refusal_names_what_refuses_and_not_what_is_doubtful() -> None:
    found = judge({**GOOD, "level": 0.3, "rotation_deg": 50.0, "brain_in_view": 0.5})
    assert (found.verdict, found.head, len(found.reasons)) == ("fail", False, 2)
    assert found.reasons[0].startswith("50% of the brain"), "what lies there comes first"
    both = judge({**GOOD, "level": 0.6, "scale": 0.7})
    assert (both.verdict, len(both.reasons)) == ("review", 2)
