"""Evaluations as tables, and two of them side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluated_heads import HEADS, NETWORK

from scripts.cohort.tables import compared, comparison_table, interval, share, table
from scripts.cohort.tasks import Head, evaluated
from scripts.statistics.roc import delong_test


def test_the_table_has_a_row_for_each_task_and_subtype() -> None:
    lines = table(evaluated(NETWORK, "raw_maximum", HEADS)).splitlines()
    assert lines[0] == ("position network, width 16, patches of 39 mm, 1873827 parameters, stride 2; score raw_maximum")
    assert lines[2].startswith("| | n+ | n- | AUROC | 95 % bootstrap | 95 % Hanley-McNeil | sens. at 0.80 |")
    lines = lines[: lines.index("", 2)]
    assert len({line.count("|") for line in lines[2:]}) == 1
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines[4:]}
    assert rows["haemorrhage"][:3] == ["4", "5", ".85"]
    assert rows["haemorrhage"][4].endswith(", 1.00]")
    assert rows["haemorrhage"][5:] == [".75"] * 3
    assert rows["EDH"] == ["0", "5", "-", "-", "-", "-", "-", "-"]


def test_an_autoencoder_has_no_patches() -> None:
    network = {**NETWORK, "kind": "autoencoder", "patch_size": None}
    assert table(evaluated(network, "raw_maximum", HEADS)).startswith("autoencoder network, width 16, 1873827")


@pytest.mark.parametrize(
    ("value", "text"), [(0.812, ".81"), (0.0, ".00"), (1.0, "1.00"), (0.996, "1.00"), (0.994, ".99"), (None, "-")]
)
def test_shares_have_two_digits(value: float | None, text: str) -> None:
    assert share(value) == text


def test_an_interval_may_be_unknown() -> None:
    assert interval([0.5, 1.0]) == "[.50, 1.00]"
    assert interval([None, None]) == "-"


def evaluation(seed: int, gain: float, count: int = 30) -> dict[str, Any]:
    """An evaluation of healthy heads and heads that bleed on the left, whose scores are `gain` higher."""
    rng = np.random.default_rng(seed)
    heads = []
    for number in range(count):
        sick = number % 2 == 1
        labels = {"ICH": sick, "Fracture": False, "BleedLocation-Left": sick, "BleedLocation-Right": False}
        values = rng.normal(size=3)
        values[0] += gain * sick
        regions = ("left_hemisphere", "right_hemisphere", "skull")
        heads.append(Head(f"c{number}", labels, dict(zip(regions, map(float, values), strict=True))))
    return evaluated(NETWORK, "raw_maximum", heads)


def test_two_evaluations_are_compared_on_the_same_items() -> None:
    good, poor = evaluation(0, 3.0), evaluation(1, 0.0)
    (found,) = compared(good, poor)
    assert (found.task, found.items, found.left_out) == ("haemorrhage", 60, 0)
    items = [side["tasks"]["haemorrhage"]["items"] for side in (good, poor)]
    scores = [[item["score"] for item in side] for side in items]
    labels, heads = ([item[name] for item in items[0]] for name in ("label", "case"))
    assert found.test == delong_test(*scores, labels, heads) != delong_test(*scores, labels), "heads are the clusters"
    assert found.test.p < 0.01
    low, high = found.bootstrap_95
    assert low is not None
    assert high is not None
    assert 0 < low < found.test.difference < high
    text = comparison_table([found])
    assert f"| haemorrhage | 60 | {share(found.test.first)} | {share(found.test.second)} | +" in text
    assert "left out" not in text


def test_items_in_another_order_and_items_that_one_lacks() -> None:
    good, poor = evaluation(0, 3.0), evaluation(1, 0.0, count=28)
    poor["tasks"]["haemorrhage"]["items"].reverse()
    (found,) = compared(good, poor)
    assert (found.items, found.left_out) == (56, 4)
    assert "Regions that only one of the two has, 4 in all, were left out." in comparison_table([found])
    poor["tasks"]["haemorrhage"]["items"].reverse()
    assert compared(good, poor)[0].test == found.test


def test_labels_must_be_the_same_and_something_must_be_common() -> None:
    one, other = evaluation(0, 1.0), evaluation(1, 1.0)
    other["tasks"]["haemorrhage"]["items"][0]["label"] = True
    with pytest.raises(ValueError, match="c0 is labelled differently in the two evaluations"):
        compared(one, other)
    for item in other["tasks"]["haemorrhage"]["items"]:
        item["case"] += " of others"
    with pytest.raises(ValueError, match="no task in common with 2 cases that have a healthy region and 2 that"):
        compared(one, {**other, "tasks": {"haemorrhage": other["tasks"]["haemorrhage"]}})


def test_two_regions_of_one_head_are_not_enough_for_a_test() -> None:
    """Two healthy regions, of one head: there is no spread between heads to go by."""
    one = evaluation(0, 1.0, count=6)
    items = one["tasks"]["haemorrhage"]["items"]
    one["tasks"]["haemorrhage"]["items"] = [item for item in items if item["label"] or item["case"] == "c0"]
    with pytest.raises(ValueError, match="no task in common"):
        compared(one, one)


def test_operating_points_have_a_table_of_their_own() -> None:
    heads = [replace(one, thresholds=dict.fromkeys(one.scores, 3.0)) for one in HEADS]
    text = table(evaluated(NETWORK, "raw_maximum", heads)).split("\n\n")[2]
    lines = text.splitlines()
    assert lines[0] == "| | at | sensitivity | specificity | PPV, NPV at 6 % | PPV, NPV at 15 % | PPV, NPV at 30 % |"
    assert lines[2].startswith("| haemorrhage | threshold in use | .75 [")
    assert lines[3].startswith("| haemorrhage | specificity 0.80 | .75 [")
    assert sum("| fracture |" in line for line in lines) == 4
