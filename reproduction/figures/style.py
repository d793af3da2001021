"""Style of figures: one colour a series, the paper's numbers hollow and dashed, ours filled.

Figures are made without matplotlib's global state, so that nothing depends on a display or on what was drawn before.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..published import AUTOENCODER, FRACTURE, HAEMORRHAGE, POSITION
from ..rows import DENSE, PAPER, SERIES, Auroc

COLOURS = {POSITION: "#1f5fa8", DENSE: "#2a8c57", AUTOENCODER: "#d1692c"}
"""Of each series."""

MARKERS = {POSITION: "o", DENSE: "^", AUTOENCODER: "s"}
"""Of each series, so that it can be told without colours."""

TITLES = {HAEMORRHAGE: "haemorrhage (hemispheres)", FRACTURE: "fracture (heads)"}
"""Of the panel of each task."""

DPI = 130
"""Pixels an inch."""


def panels(columns: int, rows: int = 1, size: tuple[float, float] = (4.6, 3.8)) -> tuple[Figure, list[list[Axes]]]:
    """A figure with rows of panels, each so many inches wide and high."""
    figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained", dpi=DPI)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in axes]


def look(series: str, source: str) -> dict[str, Any]:
    """Arguments of matplotlib's `plot` for the line of a series."""
    colour, published = COLOURS[series], source == PAPER
    return {
        "color": colour,
        "marker": MARKERS[series],
        "linestyle": "--" if published else "-",
        "markerfacecolor": "white" if published else colour,
        "alpha": 0.75 if published else 1.0,
        "zorder": 2 if published else 3,
        "label": f"{SERIES[series]}, {source}",
    }


def ordered(values: Iterable[Any]) -> list[Any]:
    """The different values, in the order in which they first come."""
    return list(dict.fromkeys(values))


def chance_line(axes: Axes) -> None:
    """The AUROC of guessing."""
    axes.axhline(0.5, color="#999999", linewidth=0.8, linestyle=":", zorder=1)


def auroc_range(rows: Iterable[Auroc]) -> tuple[float, float]:
    """From .3, or below the lowest AUROC, to 1."""
    return min([0.3, *(row.auroc - 0.05 for row in rows)]), 1.02


def legend_below(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """One legend for all panels, below them."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG, which are the same each time."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
