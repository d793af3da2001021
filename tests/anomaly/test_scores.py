"""Names of scores, and where a score stands among healthy ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scripts.anomaly.files import read_thresholds
from scripts.anomaly.scores import (
    FEWEST_SCORES,
    POOLINGS,
    Thresholds,
    above_threshold,
    map_scores,
    region_scores,
    score_name,
)
from scripts.assets import asset

REGIONS = np.ones((8, 8, 8), np.uint8)
REGIONS[4:] = 2
REGIONS[:, :, 6:] = 3


@pytest.mark.parametrize("size", [8, 4])
def test_every_pooling_of_every_map_has_a_name(size: int) -> None:
    rng = np.random.default_rng(0)
    maps = {"error": rng.random((size,) * 3), "calibrated": 9 * rng.random((size,) * 3)}
    details = map_scores(maps, REGIONS)
    step = 8 // size
    for region in ("left_hemisphere", "right_hemisphere", "skull"):
        for kind, prefix in (("error", "raw"), ("calibrated", "calibrated")):
            expected = region_scores(maps[kind], REGIONS[::step, ::step, ::step])[region]
            for pooling in POOLINGS:
                assert details[region][f"{prefix}_{pooling}"] == expected[pooling]
            assert details[region]["voxels"] == expected["voxels"]
        assert details[region]["anomaly"] == details[region]["calibrated_top_1_percent_mean"]
        assert len(details[region]) == 2 * len(POOLINGS) + 2


def test_where_nothing_is_known_of_normal_no_place_counts_and_half_a_region_is_not_enough() -> None:
    values = np.full((8, 8, 8), 2.0)
    values[:4, :3], values[4:, :4] = 0, 0
    values[:, :, 6:] = 0
    details = map_scores({"calibrated": values, "error": values}, REGIONS)
    left, right, skull = (details[name] for name in ("left_hemisphere", "right_hemisphere", "skull"))
    assert {left[f"calibrated_{pooling}"] for pooling in POOLINGS} == {2.0}, "the zeros pull nothing down"
    assert {right[f"calibrated_{pooling}"] for pooling in POOLINGS} == {None}, "half of it is known"
    assert {skull[f"calibrated_{pooling}"] for pooling in POOLINGS} == {None}
    assert {skull[f"raw_{pooling}"] for pooling in POOLINGS} == {0.0}, "no error is an error of 0"
    assert left["raw_percentile_95"] == 2
    assert [found["voxels"] for found in (left, right, skull)] == [192, 192, 128]


def test_a_part_has_one_score_by_its_own_name_and_nan_is_unknown() -> None:
    values = np.full((8, 8, 8), np.nan)
    values[:, :, :6] = np.random.default_rng(0).random((8, 8, 6))
    details = map_scores({"position": values}, REGIONS)["left_hemisphere"]
    known = np.nan_to_num(values)
    expected = region_scores(known, np.where(known > 0, REGIONS, 0))["left_hemisphere"]["top_1_percent_mean"]
    assert details == {"position": expected, "voxels": int((REGIONS == 1).sum())}
    assert score_name("position", "maximum") == "position"


def test_names_are_checked() -> None:
    assert score_name("error", "maximum") == score_name("reconstruction", "maximum") == "raw_maximum"
    with pytest.raises(
        ValueError, match=r"map must be one of calibrated, error, reconstruction, position, .*, got 'raw'"
    ):
        score_name("raw", "maximum")
    known = "maximum, percentile_99, percentile_95, top_1_percent_mean"
    with pytest.raises(ValueError, match=f"score must be one of {known}, got 'median'"):
        score_name("error", "median")


def healthy(left: float | None, right: float | None, skull: float | None) -> dict[str, dict[str, Any]]:
    """Scores of one scan; None where a region has none."""
    scores = {"left_hemisphere": left, "right_hemisphere": right, "skull": skull}
    return {region: {"raw_maximum": score, "voxels": 7} for region, score in scores.items()}


def test_hemispheres_share_a_list_and_missing_scores_are_left_out() -> None:
    scans = [healthy(float(n), 10.0 + n, 100.0 + n) for n in range(10)]
    scans[3] = {"skull": {"raw_maximum": 5.0}}
    scans[4] = healthy(None, 2.5, 8.0)
    thresholds = Thresholds.of(scans, {"scans": 10})
    brain = thresholds.scores_of("left_hemisphere", "raw_maximum")
    assert brain == thresholds.scores_of("right_hemisphere", "raw_maximum")
    assert list(brain) == sorted([0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 19, 2.5])
    assert len(thresholds.scores_of("skull", "raw_maximum")) == 10
    assert "voxels" not in thresholds.healthy["skull"]
    assert thresholds.facts == {"scans": 10}


def test_percentile_and_threshold() -> None:
    thresholds = Thresholds.of([healthy(2.0 * n, 2.0 * n + 1, 5.0) for n in range(50)], {})
    assert thresholds.percentile("left_hemisphere", "raw_maximum", 49.5) == 50
    assert thresholds.percentile("left_hemisphere", "raw_maximum", 1000.0) == 100
    assert thresholds.percentile("left_hemisphere", "raw_maximum", None) is None
    assert thresholds.percentile("skull", "raw_maximum", 5.0) == 50, "ties count half"
    assert thresholds.threshold("right_hemisphere", "raw_maximum") == 94


def test_where_there_is_too_little_to_compare_with_nothing_is_said() -> None:
    thresholds = Thresholds.of([healthy(1.0, 2.0, 3.0) for _ in range(FEWEST_SCORES - 1)], {})
    assert thresholds.percentile("skull", "raw_maximum", 9.0) is None
    assert thresholds.threshold("skull", "raw_maximum") is None
    assert thresholds.threshold("left_hemisphere", "raw_maximum") == 2
    assert thresholds.threshold("left_hemisphere", "calibrated_maximum") is None
    assert Thresholds({}, {}).percentile("skull", "raw_maximum", 9.0) is None


def test_a_region_without_score_or_threshold_has_no_mask() -> None:
    values, labels = np.full((2, 3, 4), 9, np.float32), np.ones((2, 3, 4), np.uint8)
    labels[0], labels[1, 0] = 2, 3
    numbers = {
        "left_hemisphere": {"s": 9.0, "threshold": None},
        "right_hemisphere": {"s": 9.0, "threshold": 8.0},
        "skull": {"s": None, "threshold": 8.0},
    }
    masks = above_threshold(values, labels, numbers, "s")
    assert list(masks) == ["right_hemisphere"]
    np.testing.assert_array_equal(masks["right_hemisphere"], labels == 2)
    assert above_threshold(values, labels, numbers, "another") == {}
    numbers["right_hemisphere"]["threshold"] = 9.0
    assert above_threshold(values, labels, numbers, "s") == {}, "it must exceed the threshold"


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.2, 0.5])
def test_a_share_of_alpha_of_the_healthy_scores_is_above_the_threshold(alpha: float) -> None:
    scores = tuple(float(n) for n in range(400))
    thresholds = Thresholds({"hemisphere": {"raw_maximum": scores}}, alpha=alpha)
    limit = thresholds.threshold("left_hemisphere", "raw_maximum")
    assert limit in scores
    assert sum(score > limit for score in scores) == round(400 * alpha)


def test_the_shipped_thresholds_are_those_of_the_default_alpha() -> None:
    shipped = read_thresholds(asset("models/thresholds.json"))
    assert shipped == replace(shipped, alpha=0.05)
    name = "calibrated_top_1_percent_mean"
    scores = sorted(shipped.scores_of("left_hemisphere", name))
    assert shipped.threshold("left_hemisphere", name) == scores[int(np.ceil(0.95 * len(scores))) - 1]
    wider = replace(shipped, alpha=0.2).threshold("left_hemisphere", name)
    narrow = replace(shipped, alpha=0.01).threshold("left_hemisphere", name)
    assert wider < shipped.threshold("left_hemisphere", name) < narrow  # type: ignore[operator]
