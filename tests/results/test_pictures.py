"""The pictures of a case: what the overview is given, in which scale."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import detection_rows
import numpy as np
import pytest
import torch
from PIL import Image
from scored_case import FLAG, calibrated, case

from scripts.anomaly.scores import Thresholds
from scripts.findings import finding
from scripts.results import pictures
from scripts.results.overlay import Scan
from scripts.results.panels import plane_in_words
from scripts.results.pictures import case_pictures, healthy_scores, leave_unscored_out, one_scale
from scripts.results.writer import case_result


def test_the_pictures_of_a_case() -> None:
    data = case([FLAG])
    files = case_pictures(data, case_result(data, {}))
    assert sorted(files) == ["overview.png"]
    assert Image.open(io.BytesIO(files["overview.png"])).format == "PNG"


def test_the_picture_is_given_coverages_and_flags_with_one_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(pictures, "overview", lambda *_, **more: given.update(more) or b"")
    cut = [finding("region_cut", f"The field of view holds {n} %.").as_dict() for n in (90, 80)]
    data = case([FLAG]) | {"region_findings": cut}
    data["score_details"]["left_hemisphere"]["coverage"] = 0.9
    case_pictures(data, case_result(data, {}))
    assert given["coverage"] == {"left_hemisphere": 0.9}
    assert given["flags"] == [FLAG["message"], "The field of view holds 90 %.", cut[1]["message"]]


@pytest.mark.parametrize("code", ["two_spacings", "uneven_spacing", "thick_slices"])
def test_slices_of_another_grid_than_the_scanner_s_have_no_numbers(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(pictures, "overview", lambda *_, **more: given.update(more) or b"")
    data = case([finding(code, "Uneven.").as_dict()])
    case_pictures(data, case_result(data, {}))
    assert given["even"] is (code == "thick_slices")
    for even in (True, False):
        scan = Scan(np.zeros((4, 4, 8)), np.zeros((4, 4, 8)), np.eye(4), None, 1.0, even=even)
        words = plane_in_words(SimpleNamespace(kind="axial"), np.array([1.0, 1.0, 5.0]), scan)  # type: ignore[arg-type]
        assert words.endswith("slice 6 of 8") is even


def test_an_unconfirmed_pose_is_said_in_the_picture() -> None:
    data = case()
    usual = case_pictures(data, case_result(data, {}))["overview.png"]
    data["image"].meta["registration"]["verdict"] = "unconfirmed"
    result = case_result(data, {})
    assert result["quality"]["verdict"] == "unconfirmed"
    assert case_pictures(data, result)["overview.png"] != usual


def test_one_scale_of_colours_has_one_threshold_for_all_regions() -> None:
    heatmap, regions = np.full((3, 2, 2), 4.0, np.float32), np.zeros((3, 2, 2), np.uint8)
    regions[1], regions[2] = 1, 3
    limits = {"left_hemisphere": 2.0, "right_hemisphere": 2.0, "skull": 8.0}
    assert one_scale(heatmap, regions, limits) == 2
    np.testing.assert_array_equal(heatmap[:, 0, 0], [4, 4, 1])
    assert one_scale(heatmap, regions, {"left_hemisphere": None, "skull": 8.0}) == 8
    np.testing.assert_array_equal(heatmap[:, 0, 0], [4, 4, 1])
    assert one_scale(heatmap, regions, {}) is None


def test_the_picture_scales_a_copy_of_the_heatmap() -> None:
    data = calibrated()
    data["regions"][:, :2] = 3
    before = data["pred"].clone()
    case_pictures(data, case_result(data, {}))
    assert torch.equal(data["pred"], before)


@pytest.mark.parametrize(("kind", "unit", "threshold"), [("calibrated", "", 4.5), ("error", "mm", None)])
def test_the_picture_gets_the_scale_of_its_map(
    kind: str, unit: str, threshold: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "overview", lambda *args, **words: drawn.append(words) or b"")
    data = calibrated() | {"map": kind}
    case_pictures(data, case_result(data, {}))
    assert (drawn[0]["unit"], drawn[0]["threshold"]) == (unit, threshold)
    assert drawn[0]["percentiles"] == {"left_hemisphere": 97.5, "right_hemisphere": 12.0, "skull": None}


def test_only_flags_are_drawn_into_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "overview", lambda *args, **words: drawn.append(words["flags"]) or b"")
    data = case([FLAG, {"code": "x", "severity": "information", "message": "Nothing to see."}])
    case_pictures(data, case_result(data, {}))
    assert drawn[0][0] == FLAG["message"]
    assert "Nothing to see." not in drawn[0]


BRAIN = {**detection_rows.BRAIN, "volume_ml": 12.0, "peak": 9.0, "peak_mm": [1.0, 2.0, 3.0]}
BONE = {
    **detection_rows.SKULL,
    "bone": "frontal bone, left",
    "length_mm": 40.0,
    "peak": 11.0,
    "peak_mm": [4.0, 5.0, 6.0],
}


def with_scores(scans: str = "simulated", **more: Any) -> dict[str, Any]:
    """A calibrated case with healthy scores: of 40 hemispheres, whose maxima are ten times the scores."""
    scores = tuple(float(n) for n in range(1, 41))
    maxima = tuple(10 * value for value in scores)
    healthy = {"hemisphere": {"calibrated_percentile_95": scores, "calibrated_maximum": maxima}, "skull": {}}
    data = {**calibrated(), "thresholds": Thresholds(healthy, {"source": {"scans": scans}}), **more}
    data["scores"] = {"left_hemisphere": 3.5, "right_hemisphere": 2.25, "skull": 1.0}
    return data


def test_contours_of_the_brain_enclose_what_detections_exceed_and_those_of_the_skull_its_threshold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "overview", lambda *args, **words: drawn.append((args[1], words)) or b"")
    data = with_scores(detections=[BRAIN, BONE])
    data["pred"][:] = 1
    data["regions"][:, :2] = 3
    case_pictures(data, case_result(data, {}))
    heatmap, words = drawn[0]
    assert words["threshold"] == 390, "97.5 % of the maxima of healthy hemispheres are not above it"
    assert words["meaning"] == "5 % of healthy heads have a place above it"
    assert heatmap[-1, 0, 0] == 1
    assert heatmap[0, 0, 0] == pytest.approx(390 / 5.5)
    assert [(mark.number, mark.bone) for mark in words["marks"]] == [(2, True), (1, False)]
    data["scores"] |= {"skull": None}
    data["score_details"]["skull"] |= {"threshold": None}
    case_pictures(data, case_result(data, {}))
    heatmap, words = drawn[1]
    assert [mark.number for mark in words["marks"]] == [1]
    assert heatmap[0, 0, 0] == 0


def test_healthy_scores_are_those_that_a_region_is_compared_with() -> None:
    data = with_scores(skull_assessment=type("Assessed", (), {"healthy": np.array([3.0, 1.0, 2.0])}))
    found = healthy_scores(data, case_result(data, {}), "percentile_95")
    assert list(found["left_hemisphere"].scores) == [float(n) for n in range(1, 41)]
    assert found["left_hemisphere"].words == "healthy hemispheres, simulated"
    assert list(found["skull"].scores) == [1.0, 2.0, 3.0]
    assert (found["skull"].words, found["skull"].threshold) == ("healthy scans, simulated", 5.5)
    own = with_scores(scans="datalist")
    assert healthy_scores(own, case_result(own, {}), "percentile_95")["skull"].words == "healthy scans"
    assert healthy_scores(data, case_result(data, {}), "") == {}
    assert healthy_scores(case(), case_result(case(), {}), "percentile_95") == {}


def test_regions_without_a_score_show_nothing() -> None:
    heatmap, regions = np.ones((3, 2, 2), np.float32), np.zeros((3, 2, 2), np.uint8)
    regions[1], regions[2] = 1, 3
    leave_unscored_out(heatmap, regions, {"left_hemisphere": None, "skull": 0.0})
    np.testing.assert_array_equal(heatmap[:, 0, 0], [1, 0, 1])
