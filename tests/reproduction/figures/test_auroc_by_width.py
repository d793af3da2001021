"""Figure 3: each network's points, the paper's hollow, ours with their widths and intervals."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from paper_inputs import evaluation
from picture import is_drawn

from reproduction.figures.auroc_by_width import draw
from reproduction.rows import Auroc, NothingToShow, aurocs, published_aurocs


def rows() -> list[Auroc]:
    ours = [
        *aurocs("p4", evaluation(width=4, haemorrhage=0.9)),
        *aurocs("p2", evaluation(width=2, haemorrhage=0.2, fracture=None)),
        *aurocs("other", evaluation(width=4, patch_size=19)),
        *aurocs("a", evaluation("autoencoder", 1, None, mode="autoencoder")),
        *aurocs("d", evaluation(width=16, patch_size=39, mode="dense")),
    ]
    return [*published_aurocs(), *ours]


def test_points_of_both_sources() -> None:
    figure = draw(rows())
    left, right = figure.axes
    assert [panel.get_title() for panel in (left, right)] == ["haemorrhage (hemispheres)", "fracture (heads)"]
    lines = {line.get_label(): line for line in left.get_lines() if not str(line.get_label()).startswith("_")}
    assert set(lines) == {
        "position regression, paper",
        "position regression, here",
        "autoencoder, paper",
        "autoencoder, here",
        "dense position regression, here",
    }
    ours = lines["position regression, here"]
    assert list(ours.get_xdata()) == [7311 * 4, 7311 * 16], "by width; the other patch size is of another figure"
    assert list(ours.get_ydata()) == [0.2, 0.9]
    assert list(lines["position regression, paper"].get_ydata())[:2] == [0.577, 0.679]
    assert len(lines["autoencoder, paper"].get_xdata()) == 7
    assert lines["position regression, paper"].get_markerfacecolor() == "white"
    assert ours.get_markerfacecolor() == ours.get_color()
    assert sorted(text.get_text() for text in left.texts) == ["m=1", "m=16", "m=2", "m=4"]
    assert left.get_ylim()[0] < 0.2, "the lowest point is inside"
    assert left.get_xscale() == "log"
    assert is_drawn(figure)


def test_intervals_of_ours() -> None:
    left = draw(rows()).axes[0]
    vertical = [
        tuple(line.get_ydata())
        for line in left.get_lines()
        if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2
    ]
    assert (0.8, 1.0) in vertical
    assert len(vertical) == 4


def test_the_paper_alone_is_no_figure() -> None:
    with pytest.raises(NothingToShow, match="no run was evaluated whose AUROC could be drawn against its number"):
        draw(published_aurocs())
