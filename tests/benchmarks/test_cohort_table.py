"""From scores to tables, on numbers whose answers can be worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cohort.markdown import interval, report
from cohort.table import OURS, Comparison, Item, Row, Thresholds, in_row, items_of, pooled_auroc, precisions, rows
from scripts.statistics.auroc import OneKindOnly

COLUMNS = {OURS[1]: ("ours anomaly", "maximum"), "rule": ("HU", "maximum")}


def scan(
    name: str,
    anatomy: str,
    kind: str | None,
    left: tuple[float, float],
    right: tuple[float, float],
    skull: tuple[float, float],
    precision: float | None = None,
    volume_ml: float | None = 20.0,
) -> dict[str, Any]:
    """A scored scan, its lesion on the left: for each region the score of ours and of the rule."""
    regions = {"left_hemisphere": left, "right_hemisphere": right, "skull": skull}
    scores = {
        made: {"regions": {r: {"maximum": v[k]} for r, v in regions.items()}, "average_precision": precision}
        for k, made in enumerate(("ours anomaly", "HU"))
    }
    truth = {"anatomy": anatomy, "lesion": kind, "side": "left", "volume_ml": volume_ml}
    return {"name": name, "truth": truth, "scores": scores}


SCANS = [
    scan("h1", "a", None, (1, 5), (2, 1), (10, 3)),
    scan("h2", "b", None, (3, 4), (4, 2), (20, 1)),
    scan("bleed1", "a", "subdural", (9, 3), (2.5, 0), (99, 99), 0.5),
    scan("bleed2", "b", "subdural", (3.5, 6), (0.5, 0), (99, 99), 0.25, volume_ml=5.0),
    scan("broken", "a", "linear_fracture", (99, 99), (99, 99), (15, 2), 0.1, volume_ml=None),
]
"""Hemispheres: healthy 1 2 3 4 by ours, clean sides 2.5 0.5, anomalous 9 3.5. Skulls: healthy 10 20, broken 15."""


def items() -> list[Item]:
    return items_of(SCANS, COLUMNS)


def comparison(name: str, rounds: int = 50) -> Comparison:
    row = next(row for row in rows() if row.name == name)
    return Comparison(in_row(items(), row), list(COLUMNS), rounds)


def test_items_are_the_regions_that_count() -> None:
    found = [(i.scan, i.region, i.anomalous) for i in items() if i.kind]
    assert found == [
        ("bleed1", "hemisphere", True),
        ("bleed1", "hemisphere", False),
        ("bleed2", "hemisphere", True),
        ("bleed2", "hemisphere", False),
        ("broken", "skull", True),
    ]
    assert sum(i.region == "skull" for i in items() if i.kind is None) == 2


def test_harder_lesions_count_in_the_rows_of_their_groups_only() -> None:
    """One in the middle, or on both sides, makes both hemispheres anomalous."""
    pons, both = (scan(kind, "a", kind, (8, 1), (9, 1), (0, 0), 0.7) for kind in ("pontine_bleed", "subdural"))
    pons["truth"] |= {"side": "middle", "group": "middle"}
    both["truth"] |= {"side": "both", "group": "both sides"}
    found = items_of([*SCANS, pons, both], COLUMNS)
    by_name = {row.name: {i.scan for i in in_row(found, row) if i.kind} for row in rows()}
    assert by_name["harder: middle"] == {"pontine_bleed"}
    assert by_name["harder: both sides"] == {"subdural"}
    assert all("pontine_bleed" not in scans for name, scans in by_name.items() if name != "harder: middle")
    assert by_name["subdural"] == {"bleed1", "bleed2"}
    assert [i.anomalous for i in found if i.scan in ("pontine_bleed", "subdural")] == [True] * 4
    middle = next(row for row in rows() if row.name == "harder: middle")
    assert precisions([*SCANS, pons, both], middle, "ours anomaly") == [0.7]


def test_a_region_that_lacks_a_score_is_left_out() -> None:
    cut = scan("cut", "a", None, (1, 1), (1, 1), (1, 1))
    del cut["scores"]["HU"]["regions"]["left_hemisphere"]
    assert [item.region for item in items_of([cut], COLUMNS)] == ["hemisphere", "skull"]


def test_auroc_of_a_row_by_hand() -> None:
    bright = comparison("bright bleeds")
    assert bright.lesions == 2
    # 9 beats all six negatives; 3.5 beats 1 2 3 2.5 0.5 and not 4.
    assert bright.auroc(OURS[1]) == pytest.approx((6 + 5) / 12)
    # The rule: 6 beats 5 1 4 2 0 0; 3 beats 1 2 0 0.
    assert bright.auroc("rule") == pytest.approx((6 + 4) / 12)
    assert bright.difference(OURS[1], ["rule"])[:2] == ("rule", pytest.approx(1 / 12))
    assert comparison("linear fracture").auroc(OURS[1]) == 0.5, "15 lies between 10 and 20"


def test_rows_over_both_regions_never_compare_a_hemisphere_with_a_skull() -> None:
    everything = comparison("all lesions, brain and skull")
    assert everything.auroc(OURS[1]) == pytest.approx((2 * 11 / 12 + 1 * 0.5) / 3)
    scores, anomalous = np.array([1.0, 2.0]), np.array([False, True])
    with pytest.raises(OneKindOnly):
        pooled_auroc(scores, anomalous, np.array([False, True]))
    with pytest.raises(OneKindOnly, match="no item is anomalous"):
        pooled_auroc(scores, np.zeros(2, bool), np.zeros(2, bool))


def test_sizes_and_volumes_make_rows() -> None:
    assert comparison("bright bleeds over 10 ml").lesions == 1
    assert comparison("subdural, small").lesions + comparison("subdural, large").lesions == 2
    assert not comparison("cyst").complete


def test_thresholds_come_from_healthy_scans_of_other_anatomies() -> None:
    thresholds = Thresholds(items())
    by_name = {item.scan: item for item in items() if item.anomalous}
    assert thresholds.of(by_name["bleed1"], OURS[1]) == 4, "the highest of b"
    assert thresholds.of(by_name["bleed2"], OURS[1]) == 2, "the highest of a"
    assert thresholds.of(by_name["broken"], OURS[1]) == 20
    # Healthy: a's 1 and 2 are below 4, b's 3 and 4 above 2.
    assert comparison("bright bleeds").found(OURS[1], thresholds) == (1.0, 0.5)
    with pytest.raises(ValueError, match="needs healthy scores"):
        Thresholds([i for i in items() if i.anatomy == "a"]).of(by_name["broken"], "rule")


def test_precisions_are_those_of_the_lesions_of_the_row() -> None:
    bright = next(row for row in rows() if row.name == "bright bleeds")
    assert precisions(SCANS, bright, "HU") == [0.5, 0.25]
    assert precisions(SCANS, Row("none", lambda item: False), "HU") == []


def test_intervals_hold_the_estimate_and_are_none_where_items_are_too_few() -> None:
    bright = comparison("bright bleeds", rounds=200)
    limits = bright.auroc_interval(OURS[1])
    assert limits is not None
    assert limits[0] <= bright.auroc(OURS[1]) <= limits[1]
    only = Comparison([item for item in items() if item.anomalous], list(COLUMNS), 20)
    assert only.auroc_interval("rule") is None


def test_a_side_that_the_lesion_reaches_does_not_count_as_healthy() -> None:
    for name, facts, left in (
        ("clean", {"lesion_shares": {"right_hemisphere": 0.001}}, 2),
        ("across", {"lesion_shares": {"right_hemisphere": 0.002}}, 1),
        ("own side", {"lesion_shares": {"left_hemisphere": 0.2}}, 2),
    ):
        found = items_of([scan(name, "a", "subarachnoid", (1, 1), (1, 1), (1, 1)) | facts], COLUMNS)
        assert len(found) == left, name
    shifted = scan("shifted", "a", "subdural", (1, 1), (1, 1), (1, 1))
    shifted["truth"]["midline_shift_mm"] = 6.0
    assert [item.anomalous for item in items_of([shifted], COLUMNS)] == [True]


def test_the_report_has_one_main_table_with_a_line_for_every_row() -> None:
    text = report(SCANS, items(), items(), COLUMNS, 20, ["about the scans"])
    _, main, under = text.split("\n\n")[:3]
    names = [line.split(" | ")[0].removeprefix("| ") for line in main.splitlines()[2:]]
    assert names == [row.name for row in rows()]
    assert "| cyst, small | 0 | - | - |" in main
    assert "about the scans" in under
    assert "ours, all parts minus the best of the baselines (rule, chosen on the same scans), all lesions" in under
    assert "for the 1 bright bleeds over 10 ml: ours, all parts 100 (50); rule 0 (" in under
    lines = [line for line in text.splitlines() if line.startswith("| bright bleeds |")]
    assert len(lines) == 4
    assert lines[0].startswith("| bright bleeds | 2 | .92 [")
    assert lines[1].startswith("| bright bleeds | 2 | 100 (50) |")
    assert lines[2].startswith("| bright bleeds | 2 | +0.08 [")
    assert lines[2].endswith("| rule |")
    assert lines[3] == "| bright bleeds | 2 | .38 | .38 |"


def test_intervals_are_written_as_in_papers() -> None:
    assert (interval((0.1, 0.95)), interval((-0.1, 0.2), "+"), interval(None)) == (
        "[.10, .95]",
        "[-0.10, +0.20]",
        "[?]",
    )
