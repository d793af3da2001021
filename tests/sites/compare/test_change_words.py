"""Changes in sentences: what, where, how large, and beside what repeats differ by."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from compared_scan import NOISE, RIGHT, judged

from scripts.sites.compare.change_words import change_in_words, map_in_words, score_in_words
from scripts.sites.compare.changed_map import Extremes
from scripts.sites.compare.changes import Change

ROW = judged([RIGHT]).detections[0]
NEW = Change("new", "brain", [], [ROW], RIGHT.at_mm, (1.2, 9.1), True)
SKULL_ROW: dict[str, Any] = judged(dents_mm=[(-62.0, 10.0, 20.0)]).detections[0]
WHAT = "parietal lobe on the right, brighter than its surroundings (70 HU), 11.5 ml, 28 mm long, slice "


def test_a_new_place_has_its_peak_and_what_was_there() -> None:
    text = change_in_words(NEW, NOISE)
    assert text.startswith(f"New: {WHAT}")
    assert text.endswith("; peak 9.1, was 1.2 before; 95 % of repeats differ by at most 1.5.")
    assert change_in_words(replace(NEW, beyond=None), None).endswith("; peak 9.1, was 1.2 before.")
    assert change_in_words(replace(NEW, beyond=False), NOISE).startswith("New, but by no more than repeats differ:")
    assert "peak 9.1, was not known before" in change_in_words(replace(NEW, peaks=(None, 9.1)), NOISE)


@pytest.mark.parametrize("row", [ROW, SKULL_ROW], ids=["brain", "skull"])
def test_a_peak_that_is_not_known_is_said_to_be_so(row: dict[str, Any]) -> None:
    text = change_in_words(Change("new", row["region"], [], [row], RIGHT.at_mm, (None, None), None), None)
    assert re.search(r"peak (is )?not known[,;]", text)


def test_a_place_that_is_gone_says_what_is_there_now() -> None:
    gone = Change("gone", "brain", [ROW], [], RIGHT.at_mm, (9.1, 1.1), True)
    assert change_in_words(gone, NOISE).endswith("; peak 9.1, is 1.1 now; 95 % of repeats differ by at most 1.5.")


@pytest.mark.parametrize(
    ("kind", "before", "said"),
    [
        ("grown", 5.0, "Grown: "),
        ("shrunken", 20.0, "Smaller: "),
        ("same", 11.0, "In both, its volume no more different than in repeats: "),
    ],
)
def test_a_volume_is_said_with_its_ratio(kind: str, before: float, said: str) -> None:
    change = Change(kind, "brain", [{**ROW, "volume_ml": before}], [ROW], RIGHT.at_mm, (8.0, 9.0), kind != "same")
    text = change_in_words(change, NOISE)
    assert text.startswith(f"{said}{WHAT}")
    assert f"; was {before:.1f} ml, ratio {11.49 / before:.2f} (95 % of repeats: up to 1.25)." in text


def test_the_skull_says_what_its_list_tells() -> None:
    new = Change("new", "skull", [], [SKULL_ROW], (-62.0, 10.0, 20.0), (None, 8.0), True)
    text = change_in_words(new, NOISE)
    assert text.startswith("New: a dent of 20 mm, parietal bone on the left")
    assert "its peak is 8.0; nothing above the threshold is listed there before; 95 % of repeated scores" in text
    listed = Change("listed", "skull", [SKULL_ROW], [SKULL_ROW], (-62.0, 10.0, 20.0), (8.0, 8.0), None)
    assert change_in_words(listed, NOISE).startswith("In both: a dent of 20 mm")
    unseen = replace(new, kind="unseen")
    assert "not in view or not judged before: a dent" in change_in_words(unseen, NOISE)


def test_maps_and_scores_are_said_beside_the_noise() -> None:
    found = Extremes(0.7, 0.1, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    text = map_in_words("left_hemisphere", found, NOISE)
    beyond = ", beyond what 95 % of repeats differ by (0.5)."
    assert text == f"Map, left hemisphere: at most 0.7 higher and 0.1 lower than before{beyond}"
    assert "no more than 95 % of repeats differ by (0.5)" in map_in_words("skull", replace(found, rise=0.4), NOISE)
    assert map_in_words("left_hemisphere", found, None).endswith("lower than before.")
    assert "no part of it is in both scans" in map_in_words("left_hemisphere", None, NOISE)
    assert score_in_words("skull", 1.0, 2.0, 0.5) == (
        "Score, skull: 1.00, then 2.00 (+1.00), beyond what 95 % of repeats differ by (0.50)."
    )
    assert "no more than" in score_in_words("skull", 1.0, 1.2, 0.5)
    assert score_in_words("skull", 1.0, 1.2, None) == "Score, skull: 1.00, then 1.20 (+0.20)."
    assert score_in_words("skull", None, 1.2, None) == "Score, skull: none before."
    assert score_in_words("skull", None, None, None) == "Score, skull: none in both scans."
