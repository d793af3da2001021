"""The words of page and sheet: of a result, of a region without a score, of an earlier version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from report_result import BRAIN_ROW, record

from scripts.findings import finding
from scripts.results.header import UNCONFIRMED
from scripts.results.record import ResultIncomplete
from scripts.results.report.content import CAUTION, REQUIRED, content


def test_scores_are_told_beside_their_threshold() -> None:
    left, right, skull = content(record()).scores
    assert (left["name"], left["score"], left["verdict"], left["threshold"]) == (
        "left hemisphere",
        "0.9",
        "below",
        "2.9",
    )
    assert (right["verdict"], right["above"], right["percentile"]) == ("above", True, "99")
    assert (skull["healthy"], skull["values"], skull["limit"]) == ("3 healthy scans, simulated", [0.5, 1.0, 7.0], 7.0)


def test_a_region_without_a_score_or_a_threshold() -> None:
    some = record(scores={"left_hemisphere": None, "right_hemisphere": 3.0}, settings={"map": "error", "unit": "mm"})
    some["score_details"] = {"left_hemisphere": {"threshold": 2.0, "coverage": 0.3}, "right_hemisphere": {}}
    some["compared_with"]["healthy"] = {}
    left, right = content(some).scores
    assert (left["score"], left["verdict"], left["above"], left["cut"]) == (
        "no score",
        "not scored",
        False,
        "30 % in view",
    )
    assert (right["score"], right["verdict"], right["values"]) == ("3.0 mm", "no threshold", [])


def test_detections_are_told_with_their_peak_over_the_threshold() -> None:
    brain, skull = content(record()).detections
    assert {k: brain[k] for k in ("rank", "where", "what", "size", "hu", "excess", "bone")} == {
        "rank": "1",
        "where": "frontal lobe, right",
        "what": "brighter place",
        "size": "34.0 ml, 40 mm long",
        "hu": "70 HU",
        "excess": "4.0",
        "bone": False,
    }
    assert (skull["what"], skull["where"], skull["size"]) == ("skull dent", "parietal bone, left", "22 mm long")
    assert (skull["hu"], skull["excess"], skull["bone"]) == ("", "2.0", True)


def test_a_place_of_no_density_on_both_sides_without_a_threshold() -> None:
    row = {**BRAIN_ROW, "density": None, "mean_hu": None, "side": "both", "name": ""}
    some = record((row,))
    some["compared_with"]["detections"] = {"brain": None}
    some["detections"][0]["peak_slice"] = None
    (brain,) = content(some).detections
    assert (brain["where"], brain["what"], brain["hu"], brain["excess"]) == (
        "brain, both sides",
        "unusual place",
        "",
        "",
    )
    assert brain["slice"] == ""


def test_flags_notes_and_the_pose() -> None:
    found = [
        finding("thick_slices", "Slices are 5.0 mm thick."),
        finding("calibration_simulated", "All are simulated."),
    ]
    some = content(record(findings=[one.as_dict() for one in found], quality={"verdict": "unconfirmed"}))
    assert len(some.flags) == len(some.notes) == 1
    assert some.flags[0].startswith("Slices are 5.0 mm thick.")
    assert (some.pose, some.caution) == (UNCONFIRMED, CAUTION)
    assert content(record()).pose == ""


def test_how_it_was_made_holds_nothing_that_another_run_would_change() -> None:
    some = record(timings_s={"network": 12.34567}, quality={"verdict": "pass", "inference": {"device": "cuda:1"}})
    made = dict(content(some).made)
    assert made["map"] == "calibrated, predictions every 2 mm"
    assert made["series of the brain"] == f"number 1, {some['grid']['shape'][2]} slices, 2.0 mm apart"
    text = json.dumps(vars(content(some)))
    assert "12.34567" not in text
    assert "cuda" not in text


@pytest.mark.parametrize("name", REQUIRED)
def test_a_result_of_an_earlier_version_is_refused(name: str) -> None:
    some: dict[str, Any] = record()
    del some[name]
    with pytest.raises(ResultIncomplete, match=f"has no {name}: it is of an earlier version.* Make the results again"):
        content(some)
