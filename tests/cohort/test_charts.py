"""Charts as SVG: bars count scores, lines stand at thresholds, curves go where their numbers say."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from scripts.cohort.charts import BINS, HEIGHT, MARGIN, SIDE, WIDTH, histogram, roc


def bars(svg: str) -> dict[int, float]:
    """Heights by bin."""
    found = re.findall(r'class="bar" x="([\d.]+)" y="[\d.]+" width="[\d.]+" height="([\d.]+)"', svg)
    step = (WIDTH - 2 * MARGIN) / BINS
    return {round((float(x) - MARGIN) / step): float(height) for x, height in found}


def test_bars_are_as_high_as_the_scores_are_many_and_the_threshold_stands_at_its_place() -> None:
    svg = histogram([0.1, 0.1, 0.1, 0.1, 3.2, 3.1999], [1.6], "of <b>")
    tall = HEIGHT - 2 * MARGIN
    assert bars(svg) == {1: tall, BINS - 1: tall / 2}, "3.2 is the end: 0.1 is in the second of 32 bins"
    middle = MARGIN + (WIDTH - 2 * MARGIN) / 2
    assert f'class="threshold" d="M{middle:.1f} ' in svg
    assert "6 scores, at most 4 a bar" in svg
    assert ElementTree.fromstring(svg).attrib["aria-label"] == "of <b>"


def test_scores_far_beyond_the_threshold_are_in_the_last_bar() -> None:
    svg = histogram([1.0, 2.0, 90.0], [2.0], "scores")
    assert set(bars(svg)) == {4, 8, BINS - 1}
    assert ">8.0 or more<" in svg


@pytest.mark.parametrize(("scores", "limits"), [([0.0, 0.0], []), ([0.0], [2.0]), ([-1.0, 1.0], [])])
def test_odd_scores_have_a_chart_too(scores: list[float], limits: list[float]) -> None:
    assert sum(bars(histogram(scores, limits, "scores")).values()) > 0


def test_without_scores_the_chart_says_so() -> None:
    assert "no scores" in histogram([], [2.0], "scores")


def test_a_curve_starts_where_nothing_is_found_and_goes_through_its_points() -> None:
    svg = roc({"haemorrhage 0.75": ([0.0, 0.5, 1.0], [1.0, 0.75, 0.0])})
    size = SIDE + 2 * MARGIN
    points = re.search(r'points="([^"]+)"', svg)
    assert points is not None
    assert points[1].split()[0] == f"{MARGIN},{size - MARGIN}"
    assert points[1].split()[2] == f"{MARGIN + 0.25 * SIDE:.1f},{size - MARGIN - 0.5 * SIDE:.1f}"
    assert points[1].split()[-1] == f"{size - MARGIN:.1f},{MARGIN:.1f}"
    assert "haemorrhage 0.75" in "".join(ElementTree.fromstring(svg).itertext())
