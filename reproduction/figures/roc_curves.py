"""Figure 6: ROC curves for haemorrhage and fracture, with the points that the paper names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..published import AUTOENCODER, POSITION, ROC_AUROCS
from ..rows import DENSE, HERE, PAPER, SERIES, TASKS, Auroc, NothingToShow, RocPoint
from .style import COLOURS, MARKERS, TITLES, ordered, panels


def chosen_runs(points: Sequence[RocPoint], aurocs: Sequence[Auroc]) -> dict[str, str]:
    """The run to show of each series: the widest one and, of those, the first."""
    widest: dict[str, Auroc] = {}
    there = {point.run for point in points if point.source == HERE}
    for row in aurocs:
        best = widest.get(row.series)
        if row.source == HERE and row.run in there and (best is None or (row.width or 0) > (best.width or 0)):
            widest[row.series] = row
    return {series: row.run for series, row in widest.items()}


def draw(points: Sequence[RocPoint], aurocs: Sequence[Auroc]) -> Figure:
    """A panel for each task, with the widest run of each series.

    Raises:
        NothingToShow: there is no curve of ours.
    """
    runs = chosen_runs(points, aurocs)
    if not runs:
        raise NothingToShow("no run was evaluated with healthy and anomalous cases")
    figure, (axes,) = panels(len(TASKS), size=(4.6, 5.7))
    for panel, task in zip(axes, TASKS, strict=True):
        panel.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
        for series in (name for name in (POSITION, AUTOENCODER, DENSE) if name in runs):
            curve(panel, [p for p in points if (p.run, p.task) == (runs[series], task)], aurocs)
        published_points(panel, task, [p for p in points if (p.source, p.task) == (PAPER, task)])
        panel.set(xlabel="1 - specificity", ylabel="sensitivity", title=TITLES[task], aspect="equal")
        panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        panel.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), fontsize=8, frameon=False)
    return figure


def curve(panel: Axes, points: Sequence[RocPoint], aurocs: Sequence[Auroc]) -> None:
    """The curve of one run."""
    if not points:
        return
    first = points[0]
    (area,) = ordered(row.auroc for row in aurocs if (row.run, row.task) == (first.run, first.task))[:1] or [None]
    shown = "" if area is None else f", AUROC {area:.2f}"
    label = f"{SERIES[first.series]}, m = {first.width}{shown}"
    x, y = [1 - point.specificity for point in points], [point.sensitivity for point in points]
    panel.plot(x, y, color=COLOURS[first.series], label=label)


def published_points(panel: Axes, task: str, points: Sequence[RocPoint]) -> None:
    """The paper's points and, in the legend, its AUROC."""
    area, low, high = ROC_AUROCS[task]
    label = f"{SERIES[POSITION]}, paper: AUROC {area:.2f} ({low:.2f} to {high:.2f})"
    style: dict[str, Any] = {"marker": MARKERS[POSITION], "markerfacecolor": "white", "markersize": 8, "zorder": 4}
    x, y = [1 - point.specificity for point in points], [point.sensitivity for point in points]
    panel.plot(x, y, color=COLOURS[POSITION], linestyle="none", label=label, **style)
