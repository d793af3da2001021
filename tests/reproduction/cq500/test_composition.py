"""Table 2 counted by hand on a few scans, and the hemispheres of the evaluation."""

from __future__ import annotations

import pytest
from label_tables import BLEED_LEFT, FRACTURE, Marks, reads_of

from reproduction.cq500.composition import composition_table, hemispheres, reasons_table

BOTH: Marks = {"ICH": "12", "IPH": "12", "BleedLocation-Left": "12", "BleedLocation-Right": "23"}
NOWHERE: Marks = {"ICH": "123", "SAH": "123", "BleedLocation-Left": "1", "BleedLocation-Right": "2"}
SCANS = {
    **{0: {}, 1: {}, 2: {}, 3: BLEED_LEFT, 4: BOTH, 5: NOWHERE, 6: FRACTURE, 7: {**BLEED_LEFT, **FRACTURE}},
    8: {"MassEffect": "123"},
}
LABELS = reads_of(SCANS).labels()
SECTIONS = dict(zip(LABELS, ["training", "validation", "test", "test", "test", "test", "test", "test"], strict=False))


def row(words: str) -> list[str]:
    (line,) = [
        line for line in composition_table(LABELS, SECTIONS).markdown().splitlines() if line.startswith(f"| {words} |")
    ]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.mark.parametrize(
    ("words", "cells"),
    {
        "anything or nothing": "9 8 1 1 6 _ _ _ _",
        "neither haemorrhage nor fracture": "4 3 1 1 1 _ _ _ _",
        "haemorrhage and fracture": "1 1 0 0 1 _ _ _ _",
        "haemorrhage (ICH)": "4 4 0 0 4 2 0 1 1",
        "subdural (SDH)": "2 2 0 0 2 2 0 0 0",
        "subarachnoid (SAH)": "1 1 0 0 1 0 0 0 1",
        "fracture": "2 2 0 0 2 _ _ _ _",
        "mass effect": "1 0 0 0 0 _ _ _ _",
    }.items(),
)
def test_a_row_counts_the_table_the_parts_and_the_sides(words: str, cells: str) -> None:
    assert row(words) == cells.replace("_", "").split(" ")


def test_hemispheres_of_the_evaluation() -> None:
    """Healthy 2 negative; left 1 + 1; both 2; without side none; fracture alone none; bleed and fracture 1 + 1."""
    test = [LABELS[name] for name, part in SECTIONS.items() if part == "test"]
    assert hemispheres(test) == {"heads": 4, "positive": 4, "negative": 4, "no side": 1}
    assert composition_table(LABELS, SECTIONS).notes == (
        "For haemorrhage the test has 4 positive and 4 negative hemispheres of 4 heads, for fracture 2 heads with one. "
        "Left out: 1 head with a haemorrhage by vote, but no side by vote.",
    )


def test_the_published_counts_follow_from_one_and_two_sided_bleeds() -> None:
    """80 heads: 21 healthy, 39 with a bleed on one side, 20 on both; beside them 20 with a fracture only."""
    scans = [{}] * 21 + [BLEED_LEFT] * 39 + [BOTH] * 20 + [FRACTURE] * 20
    counts = hemispheres(reads_of(dict(enumerate(scans))).labels().values())
    assert counts == {"heads": 80, "positive": 79, "negative": 81}


def test_reasons_are_counted() -> None:
    assert reasons_table(["no_row", "no_folder", "no_folder"]).rows == (("no_folder", 2), ("no_row", 1))
    assert reasons_table([]).rows == (("none", 0),)
