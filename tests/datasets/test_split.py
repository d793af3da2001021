"""`split`: every scan of a folder in one section at most, and what can't be split is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts.datasets.split import split_of
from scripts.errors import WrongUsage

FOLDER = Path("/scans")
SCANS = {f"scan_{number}": FOLDER / f"scan_{number}" for number in range(11)}


def names(validation: Sequence[str], hold_out: Sequence[str]) -> dict[str, list[str]]:
    found = split_of(FOLDER, SCANS, validation, hold_out)
    return {section: [Path(item["image"]).name for item in items] for section, items in found.items()}


def test_every_fifth_scan_that_is_left_is_for_validation() -> None:
    split = names([], ["scan_0"])
    assert split["validation"] == ["scan_5", "scan_10"]
    assert split["training"] == [f"scan_{number}" for number in (1, 2, 3, 4, 6, 7, 8, 9)]


def test_scans_that_are_named_are_for_validation() -> None:
    split = names(["scan_3"], ["scan_7"])
    assert split["validation"] == ["scan_3"]
    assert {"scan_3", "scan_7"}.isdisjoint(split["training"])
    assert len(split["training"]) == 9


def test_of_a_few_scans_the_last_one_is_for_validation() -> None:
    few = dict(list(SCANS.items())[:2])
    assert split_of(FOLDER, few, [], []) == {
        "training": [{"image": "/scans/scan_0"}],
        "validation": [{"image": "/scans/scan_1"}],
    }


@pytest.mark.parametrize(
    ("validation", "hold_out", "said"),
    [
        (["scan_11"], [], "There is no scan scan_11 in /scans"),
        ([], ["scan_11"], "There is no scan scan_11 in /scans"),
        (["scan_1"], ["scan_1"], "scan_1 is to be validated on, and held out"),
        ([], list(SCANS), "/scans holds 0 scans: too few"),
        ([], list(SCANS)[1:], "/scans holds 1 scan: too few"),
        (list(SCANS), [], "/scans holds 11 scans: too few"),
    ],
)
def test_what_can_t_be_split_is_said(validation: list[str], hold_out: list[str], said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        names(validation, hold_out)
