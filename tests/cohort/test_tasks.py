"""Which regions are judged, and what is measured of them, on cohorts small enough to count by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evaluated_heads import HEADS, NETWORK, head

from scripts.cohort.tasks import (
    OTHER_LESION,
    SUBTYPES,
    Head,
    Item,
    evaluated,
    fracture_items,
    haemorrhage_items,
    left_out,
    measured,
    of_subtype,
    without_auroc,
)
from scripts.files.json_text import json_text
from scripts.statistics.auroc import auroc


def test_hemispheres_are_judged_by_their_own_side() -> None:
    found = {(item.case, item.region[:4]): (item.score, item.label) for item in haemorrhage_items(HEADS)}
    assert found == {
        ("healthy", "left"): (1, False),
        ("healthy", "righ"): (2, False),
        ("quiet", "left"): (1.5, False),
        ("left", "left"): (5, True),
        ("left", "righ"): (2.5, False),
        ("both", "left"): (4, True),
        ("both", "righ"): (1.2, True),
        ("broken and bleeding", "left"): (1, False),
        ("broken and bleeding", "righ"): (6, True),
    }


def test_skulls_are_judged_against_healthy_heads_only() -> None:
    found = [(item.case, item.score, item.label) for item in fracture_items(HEADS)]
    assert found == [("healthy", 1, False), ("quiet", 3, False), ("broken", 4, True), ("broken and bleeding", 2, True)]
    assert {item.region for item in fracture_items(HEADS)} == {"skull"}


def test_a_head_with_another_lesion_is_neither_anomalous_nor_healthy() -> None:
    others = [replace(one, case=f"other {one.case}", labels={**one.labels, OTHER_LESION: True}) for one in HEADS]
    assert haemorrhage_items([*HEADS, *others]) == haemorrhage_items(HEADS)
    assert fracture_items([*HEADS, *others]) == fracture_items(HEADS)
    assert any("Another lesion than" in text and "other healthy" in text for text in left_out(others[:1]))
    assert not any("Another lesion than" in text for text in left_out(HEADS))


def test_a_subtype_keeps_the_healthy_regions() -> None:
    found = of_subtype(haemorrhage_items(HEADS), HEADS, "IPH")
    assert [(item.case, item.region) for item in found if item.label] == [
        ("left", "left_hemisphere"),
        ("broken and bleeding", "right_hemisphere"),
    ]
    assert sum(not item.label for item in found) == 5


def test_what_is_measured_of_a_few_items() -> None:
    """Healthy 1, 2, 1.5, 2.5, 1; anomalous 5, 4, 1.2, 6: 17 of 20 pairs are right."""
    found = measured(haemorrhage_items(HEADS))
    assert (found["positives"], found["negatives"]) == (4, 5)
    assert found["auroc"] == pytest.approx(17 / 20)
    assert found["sensitivity_at_specificity"] == {"0.80": 0.75, "0.90": 0.75, "0.95": 0.75}
    low, high = found["hanley_mcneil_95"]
    assert 0.5 < low < 17 / 20 < high == 1
    low, high = found["bootstrap_95"]
    assert 0 <= low < 17 / 20 <= high <= 1
    assert found["roc"]["sensitivity"][:3] == [0, 0.25, 0.5]
    assert found["roc"]["specificity"][-1] == 0
    assert found["items"][0] == {
        "case": "healthy",
        "region": "left_hemisphere",
        "score": 1,
        "label": False,
        "threshold": None,
    }


def test_the_sensitivity_follows_the_specificity() -> None:
    """Of ten healthy scores 0.8 lets the two highest be found, 0.9 the highest, and 0.95 none."""
    items = [Item(f"h{n}", "skull", n, False) for n in range(10)]
    items += [Item(f"a{n}", "skull", n + 0.5, True) for n in range(0, 10)]
    assert measured(items)["sensitivity_at_specificity"] == {"0.80": 0.3, "0.90": 0.2, "0.95": 0.1}


def test_the_bootstrap_draws_cases_with_both_their_hemispheres() -> None:
    """Hemispheres that repeat one another say no more than one of them: the interval is as wide as without them."""
    rng = np.random.default_rng(1)
    once = [Item(f"c{n}", "left_hemisphere", float(rng.normal(n % 2)), n % 2 == 1) for n in range(40)]
    twice = [*once, *(Item(item.case, "right_hemisphere", item.score, item.label) for item in once)]
    apart = [*once, *(Item(f"other {item.case}", "right_hemisphere", item.score, item.label) for item in once)]
    alone, paired, free = (np.diff(measured(items)["bootstrap_95"])[0] for items in (once, twice, apart))
    assert paired == pytest.approx(alone, rel=0.1)
    assert free < 0.85 * alone, "negative control"


def test_one_case_of_a_kind_has_no_bootstrap_since_every_draw_repeats_it() -> None:
    healthy = [Item(f"h{n}", "skull", n, False) for n in range(5)]
    one = [Item("a", "skull", 1.5, True)]
    assert measured([*healthy, *one])["bootstrap_95"] == [None, None]
    assert measured([*healthy, *one])["hanley_mcneil_95"] == [0, 1]
    low, high = measured([*healthy, *one, Item("b", "skull", 2.5, True)])["bootstrap_95"]
    assert low < 0.5 < high
    perfect = measured([*healthy, Item("a", "skull", 9, True)])["bootstrap_95"]
    assert perfect == pytest.approx([0.025, 1], abs=0.001), "separated perfectly: as of one success in a row"


def test_an_evaluation_is_json_and_names_what_was_judged() -> None:
    found = evaluated(NETWORK, "raw_maximum", HEADS)
    assert json.loads(json_text(found)) == found
    assert list(found) == ["network", "score", "tasks", "subtypes"]
    assert found["network"] == NETWORK
    assert list(found["tasks"]) == ["haemorrhage", "fracture"]
    assert list(found["subtypes"]) == [*SUBTYPES["haemorrhage"], *SUBTYPES["fracture"]]
    assert found["subtypes"]["CalvarialFracture"]["positives"] == 1
    assert found["subtypes"]["EDH"] == measured([i for i in haemorrhage_items(HEADS) if not i.label])
    assert found["tasks"]["fracture"]["auroc"] == auroc([1, 3, 4, 2], [0, 0, 1, 1])
    assert without_auroc(found) == []


def test_a_subtype_that_is_not_labelled_is_not_there() -> None:
    short = [Head(h.case, {k: v for k, v in h.labels.items() if k != "EDH"}, h.scores) for h in HEADS]
    assert "EDH" not in evaluated(NETWORK, "raw_maximum", short)["subtypes"]
    assert evaluated(NETWORK, "raw_maximum", [])["subtypes"] == {}


@pytest.mark.parametrize(
    ("heads", "sentence"),
    [
        (HEADS[:2], 'There is no AUROC of fracture: no anomalous region has a score. List cases with "Fracture": true'),
        (HEADS[5:6], 'no AUROC of fracture: no healthy region has a score. List cases with "Fracture": false'),
        (HEADS[:2], 'There is no AUROC of haemorrhage: no anomalous region has a score. List cases with "ICH": true'),
    ],
)
def test_one_kind_alone_has_no_auroc_but_a_sentence(heads: tuple[Head, ...], sentence: str) -> None:
    found = evaluated(NETWORK, "raw_maximum", heads)
    assert any(sentence in text for text in without_auroc(found))
    measures: dict[str, Any] = found["tasks"]["fracture"]
    assert measures["auroc"] is None
    assert measures["bootstrap_95"] == measures["hanley_mcneil_95"] == [None, None]
    assert set(measures["sensitivity_at_specificity"].values()) == {None}
    assert measures["roc"]["threshold"] == []
    assert len(measures["items"]) == measures["positives"] + measures["negatives"] > 0


def test_what_is_left_out_is_said() -> None:
    text = "\n".join(left_out([*HEADS, head("odd", (1, 1, 1), "BleedLocation-Left")]))
    assert "No side of the haemorrhage is labelled in 1 case (sideless)" in text
    assert "A fracture and no haemorrhage: 1 case (broken): left out of haemorrhage." in text
    assert "A side is labelled, but no haemorrhage, in 1 case (odd)" in text
    assert "No score of the right hemisphere of 1 case (quiet)" in text
    assert "left hemisphere" not in text
    assert left_out(HEADS[:1]) == []
    many = [head(f"c{n}", (None, 1, 1)) for n in range(7)]
    assert left_out(many) == ["No score of the left hemisphere of 7 cases (c0, c1, c2, c3, c4, …): left out."]


def test_the_threshold_in_use_is_an_operating_point_counted_by_hand() -> None:
    limits = {"left_hemisphere": 3.0, "right_hemisphere": 2.0, "skull": None}
    heads = [replace(one, thresholds=limits) for one in HEADS]
    found = measured(haemorrhage_items(heads))["operating_points"]
    assert list(found) == ["threshold", "0.80", "0.90", "0.95"]
    items = haemorrhage_items(heads)
    above = [item.score > limits[item.region] for item in items]  # type: ignore[operator]
    ill = [over for item, over in zip(items, above, strict=True) if item.label]
    well = [not over for item, over in zip(items, above, strict=True) if not item.label]
    assert found["threshold"]["sensitivity"] == sum(ill) / len(ill) == 0.75
    assert found["threshold"]["specificity"] == sum(well) / len(well) == 0.8
    assert found["0.80"]["predictive_values"]["0.30"]["ppv"] == pytest.approx(0.75 * 0.3 / (0.75 * 0.3 + 0.2 * 0.7))
    assert measured(fracture_items(heads))["operating_points"]["threshold"] is None
    assert set(measured([])["operating_points"].values()) == {None}
