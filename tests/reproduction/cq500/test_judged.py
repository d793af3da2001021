"""Scores that are missing: at worst they speak against the method, whatever a head's labels are."""

from __future__ import annotations

import itertools

import pytest

from reproduction.cq500.judged import _area, _at_worst
from scripts.cohort.tasks import Head, fracture_items, haemorrhage_items

LABELS = ("ICH", "BleedLocation-Left", "BleedLocation-Right", "Fracture")
SCORED = {"left_hemisphere": 1.0, "right_hemisphere": 2.0, "skull": 3.0}
OTHERS = [
    Head("bleeds", dict(zip(LABELS, (True, True, False, False), strict=True)), SCORED),
    Head("broken", dict(zip(LABELS, (False, False, False, True), strict=True)), SCORED),
]


@pytest.mark.parametrize("values", list(itertools.product((False, True), repeat=4)))
def test_no_other_scores_are_worse_than_the_worst(values: tuple[bool, ...]) -> None:
    missing = Head("missing", dict(zip(LABELS, values, strict=True)), dict.fromkeys(SCORED))
    for items in (haemorrhage_items, fracture_items):
        found = _area(items(_at_worst([*OTHERS, missing])))
        tried = [
            _area(items([*OTHERS, Head("missing", missing.labels, dict(zip(SCORED, scores, strict=True)))]))
            for scores in itertools.product((0.0, 9.0), repeat=3)
        ]
        assert found == (None if None in tried else min(area for area in tried if area is not None))


def test_a_location_without_a_haemorrhage_by_vote_is_healthy() -> None:
    labels = {"ICH": False, "BleedLocation-Left": True, "BleedLocation-Right": False, "Fracture": False}
    (filled,) = _at_worst([Head("vote", labels, {**SCORED, "left_hemisphere": None})])
    assert filled.scores["left_hemisphere"] == 4
