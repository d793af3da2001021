"""Figure 7: AUROC of the position network against the side of its patches, the paper's beside ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure

from ..published import POSITION
from ..rows import HERE, PAPER, TASKS, Auroc, NothingToShow
from .style import TITLES, auroc_range, chance_line, legend_below, look, panels

FEWEST = 2
"""Patch sizes without which there is nothing to compare."""


def width_shown(rows: Sequence[Auroc]) -> int:
    """The width of which most patch sizes were run, the largest one where several have as many.

    Raises:
        NothingToShow: no width has two patch sizes.
    """
    sizes = {(row.width or 0, row.patch_size) for row in rows if (row.source, row.series) == (HERE, POSITION)}
    counts = Counter(width for width, _ in sizes)
    if not counts or max(counts.values()) < FEWEST:
        raise NothingToShow("no two runs of the position network have the same width and different patch sizes")
    return max(counts, key=lambda width: (counts[width], width))


def draw(rows: Sequence[Auroc]) -> Figure:
    """A panel for each task, ours with their 95 % intervals; the paper has haemorrhage, width 16.

    Raises:
        NothingToShow: no width was run with two patch sizes.
    """
    width = width_shown(rows)
    ours = [row for row in rows if (row.source, row.series, row.width) == (HERE, POSITION, width)]
    published = [row for row in rows if (row.source, row.run) == (PAPER, "Figure 7")]
    sizes = sorted({row.patch_size or 0 for row in (*ours, *published)})
    figure, (axes,) = panels(len(TASKS))
    for panel, task in zip(axes, TASKS, strict=True):
        chance_line(panel)
        for source, found in ((PAPER, published), (HERE, ours)):
            points = sorted((row for row in found if row.task == task), key=lambda row: row.patch_size or 0)
            if points:
                x, y = [row.patch_size or 0 for row in points], [row.auroc for row in points]
                style = look(POSITION, source)
                panel.plot(x, y, **{**style, "label": f"{style['label']}, m = {points[0].width}"})
            for row in points:
                if row.low is not None and row.high is not None:
                    panel.plot([row.patch_size or 0] * 2, [row.low, row.high], color=style["color"], alpha=0.35, lw=2)
        panel.set(xlabel="side of a patch, mm", ylabel="AUROC", ylim=auroc_range(ours), title=TITLES[task])
        panel.set(xlim=(sizes[0] - 2, sizes[-1] + 2), xticks=sizes)
    legend_below(figure, axes[0])
    return figure
