"""The lines about results: scores against thresholds, detections, flags, and the table of several scans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detection_rows import AFFINE, BRAIN, SKULL

from scripts.results.detections import listed
from scripts.results.terminal import closing_table, in_words, more, summary

RECORD: dict[str, Any] = {
    "scores": {"left_hemisphere": 0.91, "right_hemisphere": 20.8, "skull": None},
    "score_details": {"left_hemisphere": {"threshold": 2.89}, "right_hemisphere": {"threshold": 2.89}, "skull": {}},
    "detections": [
        {"region": "brain", "kind": "brain", "side": "right", "volume_ml": 73.72, "peak": 24.498},
        {"region": "skull", "kind": "line", "bone": "frontal", "peak": 7.123},
    ],
    "summary": "Brain, 1 place above the threshold: here. Skull, 1 place above the threshold: there.",
    "findings": [
        {
            "code": "thick_slices",
            "severity": "flag",
            "message": "The slices are 5 mm thick. Small findings may be missed.",
        },
        {"code": "x", "severity": "information", "message": "no flag"},
    ],
    "outputs": {"overview.png": "0", "report.html": "0"},
    "settings": {"unit": "parts joined"},
    "quality": {"verdict": "pass", "level": 0.79, "peak": 0.061, "inference": {"device": "cpu"}},
    "input": {"brain": {"series": 2, "slices": 56, "spacing_mm": 3.0}, "skull": None},
    "grid": {"kind": "native", "shape": [5, 6, 7], "spacing_mm": [0.5, 0.5, 3.0]},
    "timings_s": {"prepare": 11.87, "network": 5.48},
}


def test_every_line() -> None:
    assert summary(RECORD, Path("out")) == [
        "scores",
        "  left hemisphere      0.9   below the threshold of 2.9",
        "  right hemisphere    20.8   ABOVE the threshold of 2.9",
        "  skull               none",
        "Brain, 1 place above the threshold: here. Skull, 1 place above the threshold: there.",
        "flags",
        "  The slices are 5 mm thick. Small findings may be missed.",
        "picture: out/overview.png",
        "report: out/report.html",
    ]


def test_what_there_is_nothing_of() -> None:
    record = {**RECORD, "summary": "Nothing.", "findings": [], "outputs": {}, "settings": {"unit": "mm"}}
    lines = summary(record, Path("out"))
    assert lines[0] == "scores (mm)"
    assert lines[-2:] == ["Nothing.", "flags: none"]


def test_small_volumes_have_a_digit_and_missing_numbers_none() -> None:
    assert (
        in_words({"region": "brain", "kind": "bleed", "side": "both", "volume_ml": 0.44}) == "brain bleed, both, 0.4 ml"
    )
    assert in_words({"region": "skull"}) == "skull"


def test_a_phrase_names_the_place() -> None:
    brain, skull = listed([BRAIN, SKULL], AFFINE, 56, even=True)
    assert in_words(brain) == "brain, frontal lobe, left, 12 ml, peak 9.2"
    assert in_words(skull) == "skull line, parietal bone, right, 45 mm, peak 6.5"


def test_more_about_how_they_were_made() -> None:
    assert more(RECORD) == [
        "pose: pass (level 0.79, peak 0.06)",
        "brain: series 2, 56 slices, 3.0 mm apart",
        "grid: native, 5 x 6 x 7 voxels of 0.5 x 0.5 x 3.0 mm",
        "seconds: prepare 11.9, network 5.5, on cpu",
    ]


def test_a_nifti_is_of_no_series() -> None:
    record = {**RECORD, "input": {"brain": {"kind": "nifti", "slices": 56, "spacing_mm": 3.0}, "skull": None}}
    assert more(record)[1] == "brain: 56 slices, 3.0 mm apart"


def test_the_table_of_several_scans() -> None:
    assert closing_table([("one", "done", RECORD), ("other", "refused", None), ("third", "failed", None)]) == [
        "scan            left  right  skull  detections  flags",
        "one    done     0.9   20.8*  none   2           thick_slices",
        "other  refused",
        "third  failed",
        "* above the threshold of healthy scans",
        "3 scans: 1 done, 1 refused, 1 failed",
    ]


def test_an_alpha_that_was_set_stands_above_the_scores() -> None:
    assert summary({**RECORD, "settings": {"unit": "mm", "alpha": 0.01}}, Path("out"))[0] == "scores (mm, alpha 0.01)"
    assert summary({**RECORD, "settings": {"unit": "mm", "alpha": 0.05}}, Path("out"))[0] == "scores (mm)"
