"""What all figures share."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from paper_inputs import evaluation
from picture import pixels

from reproduction.figures.style import COLOURS, MARKERS, auroc_range, legend_below, look, ordered, panels, png
from reproduction.rows import SERIES, aurocs


def test_series_can_be_told_apart() -> None:
    assert set(COLOURS) == set(MARKERS) == set(SERIES)
    assert len(set(COLOURS.values())) == len(set(MARKERS.values())) == len(SERIES)
    assert look("dense", "here")["label"] == "dense position regression, here"
    assert look("dense", "paper")["linestyle"] != look("dense", "here")["linestyle"]


def test_the_same_figure_is_the_same_bytes_and_as_large_as_asked_for() -> None:
    contents = []
    for _ in range(2):
        figure, axes = panels(2, 1, (3.0, 2.0))
        axes[0][0].plot([0, 1], [0, 1], label="a line")
        legend_below(figure, axes[0][0])
        contents.append(png(figure))
    assert contents[0] == contents[1]
    assert pixels(contents[0]).shape == (260, 780, 3)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a line"]


def test_a_figure_without_lines_has_no_legend() -> None:
    figure, axes = panels(1)
    legend_below(figure, axes[0][0])
    assert figure.legends == []


def test_the_range_of_aurocs_holds_all_of_them() -> None:
    assert auroc_range([]) == (0.3, 1.02)
    assert auroc_range(aurocs("a", evaluation(haemorrhage=0.1)))[0] == pytest.approx(0.05)


def test_values_in_order() -> None:
    assert ordered(["b", "a", "b"]) == ["b", "a"]
