"""Figure 3: AUROC against the number of parameters, for every width of each network, the paper's beside ours."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..published import AUTOENCODER, PATCH_SIZE, POSITION
from ..rows import DENSE, HERE, PAPER, TASKS, Auroc, NothingToShow
from .point_labels import Label, add_labels
from .style import COLOURS, TITLES, auroc_range, chance_line, legend_below, look, panels


def belongs(row: Auroc) -> bool:
    """True if a row is a point of this figure: the published patch size, where a network sees patches."""
    by_width = row.source == HERE or row.run == "Figure 3"
    return by_width and row.parameters is not None and (row.series != POSITION or row.patch_size == PATCH_SIZE)


def draw(rows: Sequence[Auroc]) -> Figure:
    """A panel for each task, with the 95 % intervals of our numbers.

    Raises:
        NothingToShow: no row of ours belongs to it.
    """
    shown = [row for row in rows if belongs(row)]
    if not any(row.source == HERE for row in shown):
        raise NothingToShow("no run was evaluated whose AUROC could be drawn against its number of parameters")
    figure, (axes,) = panels(len(TASKS))
    for panel, task in zip(axes, TASKS, strict=True):
        chance_line(panel)
        for series in (POSITION, AUTOENCODER, DENSE):
            for source in (PAPER, HERE):
                line(panel, [row for row in shown if (row.task, row.series, row.source) == (task, series, source)])
        panel.set(xscale="log", xlabel="parameters", ylabel="AUROC", ylim=auroc_range(shown), title=TITLES[task])
    legend_below(figure, axes[0])
    figure.draw_without_rendering()
    for panel, task in zip(axes, TASKS, strict=True):
        add_labels(panel, [width_label(row) for row in shown if (row.task, row.source) == (task, HERE)])
    return figure


def width_label(row: Auroc) -> Label:
    """The width of a point's network, in the colour of its series."""
    return Label(row.parameters or 0, row.auroc, f"m={row.width}", COLOURS[row.series])


def line(panel: Axes, rows: Sequence[Auroc]) -> None:
    """The line of one series from one source, ours with its intervals."""
    points = sorted(rows, key=lambda row: row.parameters or 0)
    if not points:
        return
    first = points[0]
    x, y = [row.parameters or 0 for row in points], [row.auroc for row in points]
    panel.plot(x, y, **look(first.series, first.source))
    if first.source == HERE:
        intervals(panel, points)


def intervals(panel: Axes, rows: Sequence[Auroc]) -> None:
    """The 95 % interval of each point that has one."""
    known = [row for row in rows if row.low is not None and row.high is not None]
    colour = look(rows[0].series, HERE)["color"]
    for row in known:
        panel.plot([row.parameters or 0] * 2, [row.low or 0, row.high or 0], color=colour, alpha=0.35, linewidth=2)
