"""Figure 6: the curves of the widest runs, and the paper's points."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from paper_inputs import evaluation
from picture import is_drawn

from reproduction.figures.roc_curves import chosen_runs, draw
from reproduction.rows import NothingToShow, aurocs, published_aurocs, published_roc_points, roc_points

MADE = {
    "small": evaluation(width=2),
    "large": evaluation(width=8, haemorrhage=0.91, fracture=None),
    "other": evaluation("autoencoder", 4, None, mode="autoencoder"),
}
POINTS = [*published_roc_points(), *(point for name, made in MADE.items() for point in roc_points(name, made))]
AUROCS = [*published_aurocs(), *(row for name, made in MADE.items() for row in aurocs(name, made))]


def test_the_widest_run_of_each_network() -> None:
    assert chosen_runs(POINTS, AUROCS) == {"position": "large", "autoencoder": "other"}


def test_curves_and_published_points() -> None:
    figure = draw(POINTS, AUROCS)
    left, right = figure.axes
    lines = {line.get_label(): line for line in left.get_lines() if not str(line.get_label()).startswith("_")}
    assert set(lines) == {
        "position regression, m = 8, AUROC 0.91",
        "autoencoder, m = 4, AUROC 0.70",
        "position regression, paper: AUROC 0.81 (0.74 to 0.88)",
    }
    curve = lines["position regression, m = 8, AUROC 0.91"]
    assert list(curve.get_xdata()) == [0.0, 0.5, 1.0]
    assert list(curve.get_ydata()) == [0.0, 0.75, 1.0]
    published = lines["position regression, paper: AUROC 0.81 (0.74 to 0.88)"]
    assert list(published.get_xdata()) == pytest.approx([0.1, 0.2])
    assert list(published.get_ydata()) == [0.49, 0.66]
    words = {str(line.get_label()) for line in right.get_lines()}
    assert "position regression, paper: AUROC 0.79 (0.65 to 0.93)" in words
    assert not any("m = 8" in word for word in words), "that run has no curve of fractures"
    assert is_drawn(figure)


def test_the_paper_alone_is_no_figure() -> None:
    with pytest.raises(NothingToShow, match="no run was evaluated with healthy and anomalous cases"):
        draw(published_roc_points(), published_aurocs())
