"""Figure 7: the patch sizes of one width, the paper's beside ours."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from paper_inputs import evaluation
from picture import is_drawn

from reproduction.figures.auroc_by_patch_size import draw, width_shown
from reproduction.rows import Auroc, NothingToShow, aurocs, published_aurocs


def ours(*sizes: int, width: int = 4) -> list[Auroc]:
    return [
        row
        for size in sizes
        for row in aurocs(f"p{size}", evaluation(width=width, patch_size=size, haemorrhage=size / 50))
    ]


def test_the_sizes_of_the_width_that_has_most() -> None:
    rows = [*published_aurocs(), *ours(39, 19, 31), *ours(31, 19, width=8), *aurocs("d", evaluation(mode="dense"))]
    assert width_shown(rows) == 4
    figure = draw(rows)
    left, right = figure.axes
    lines = {line.get_label(): line for line in left.get_lines() if not str(line.get_label()).startswith("_")}
    assert set(lines) == {"position regression, paper, m = 16", "position regression, here, m = 4"}
    mine, published = lines["position regression, here, m = 4"], lines["position regression, paper, m = 16"]
    assert list(mine.get_xdata()) == [19, 31, 39]
    assert list(mine.get_ydata()) == [19 / 50, 31 / 50, 39 / 50]
    assert list(published.get_xdata()) == [19, 23, 27, 31, 35, 39]
    assert [line.get_label() for line in right.get_lines() if "paper" in str(line.get_label())] == []
    assert list(left.get_xticks()) == [19, 23, 27, 31, 35, 39]
    assert is_drawn(figure)


def test_of_several_widths_the_largest() -> None:
    assert width_shown([*ours(19, 31), *ours(23, 27, width=8)]) == 8


def test_one_size_is_no_sweep() -> None:
    with pytest.raises(NothingToShow, match="no two runs of the position network have the same width"):
        draw([*published_aurocs(), *ours(31), *ours(31, width=8)])
