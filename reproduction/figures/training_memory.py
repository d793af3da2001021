"""Figure 10: memory of a training by the width of the network and by its batch, the paper's beside ours."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..published import AUTOENCODER, POSITION
from ..rows import DENSE, HERE, PAPER, SERIES, Memory, NothingToShow
from .style import look, ordered, panels

FAINTEST = 0.35
"""Opacity of the line of the smallest batch; the largest one's is 1."""


def draw(rows: Sequence[Memory]) -> Figure:
    """A panel for each series that was measured, a line for each batch.

    Raises:
        NothingToShow: nothing was measured.
    """
    measured = [row for row in rows if row.memory_mb is not None]
    shown = [s for s in (POSITION, AUTOENCODER, DENSE) if any((r.series, r.source) == (s, HERE) for r in measured)]
    if not shown:
        raise NothingToShow("no training's memory was measured")
    figure, (axes,) = panels(len(shown), size=(4.2, 3.9))
    for panel, series in zip(axes, shown, strict=True):
        of_series = [row for row in measured if row.series == series]
        lines(panel, [row for row in of_series if row.source == PAPER], "paper")
        for device in ordered(row.device for row in of_series if row.source == HERE):
            mine = [row for row in of_series if row.source == HERE and row.device == device]
            lines(panel, mine, f"{mine[0].measure}, {device}")
        widths = sorted({row.width for row in of_series})
        panel.set(xscale="log", yscale="log", xlabel="width m", ylabel="training memory, MB", title=SERIES[series])
        panel.set_xticks(widths, [str(width) for width in widths])
        panel.minorticks_off()
        panel.grid(axis="y", color="#dddddd", linewidth=0.6)
        panel.legend(fontsize=7, frameon=False)
    share_range(axes)
    return figure


def lines(panel: Axes, rows: Sequence[Memory], words: str) -> None:
    """A line for each batch of the rows of one source."""
    batches = sorted({row.batch for row in rows})
    for place, batch in enumerate(batches):
        shade = 1 - (1 - FAINTEST) * (len(batches) - 1 - place) / max(1, len(batches) - 1)
        points = sorted((row for row in rows if row.batch == batch), key=lambda row: row.width)
        style = look(points[0].series, points[0].source)
        things = points[0].batch_of if batch > 1 else points[0].batch_of.removesuffix("s")
        label = f"{batch} {things}, {words}"
        values = [row.memory_mb or 0 for row in points]
        panel.plot([row.width for row in points], values, **{**style, "alpha": style["alpha"] * shade, "label": label})


def share_range(axes: Sequence[Axes]) -> None:
    """The same range of memory in all panels, with room for the legend and round numbers at the side."""
    low, high = min(panel.get_ylim()[0] for panel in axes) / 1.2, 3 * max(panel.get_ylim()[1] for panel in axes)
    ticks = [tick for tick in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000) if low <= tick <= high]
    for panel in axes:
        panel.set_ylim(low, high)
        panel.set_yticks(ticks, [str(tick) for tick in ticks])
