"""Charts: points where they belong, and markup that is whole."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from scripts.sites.audit.charts import MARGIN, NAMES, SIDE, qq_plot, rate_chart


def test_a_curve_on_the_diagonal_and_one_below() -> None:
    drawn = qq_plot({"a <b>": [[0.0, 0.0], [1.0, 1.0]], "low": [[0.5, 0.1]]}, "p & q")
    root = ET.fromstring(drawn)
    lines = [one.get("points") for one in root.iter("polyline")]
    assert lines == [f"{MARGIN}.0,{SIDE + 8}.0 {MARGIN + SIDE}.0,8.0", f"{MARGIN + SIDE / 2},{SIDE + 8 - 0.1 * SIDE}"]
    assert root.get("aria-label") == "p & q"
    assert "a <b>" in [one.text for one in root.iter("text")]


def test_a_rate_whose_interval_leaves_the_expected_one_out_stands_out() -> None:
    rates = {
        "fine": {"percent": 6.0, "low": 2.0, "high": 12.0},
        "high": {"percent": 20.0, "low": 9.0, "high": 30.0},
        "none": {"percent": None, "low": None, "high": None},
    }
    root = ET.fromstring(rate_chart(rates, 5.0, "rates"))
    circles = list(root.iter("circle"))
    assert [one.get("class") for one in circles] == ["dot", "off"]
    places = [float(one.get("cx", "")) - NAMES for one in circles]
    assert places[1] / places[0] == pytest.approx(20 / 6, rel=0.01)
    assert "20 % [9, 30]" in [one.text for one in root.iter("text")]
