"""Texts beside points, which lie on no other text, and on points and lines only where nothing else is left.

Each text takes the first of a few *places* around its point where it covers least. Boxes are (left, bottom, right, top)
in pixels of the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from numpy.typing import NDArray

Boxes = NDArray[np.float64]

FONT_SIZE = 7
"""Of the texts, in points."""

MARKER, LINE = 3.5, 0.8
"""Half the width of a marker and of a line, in points."""

STEPS = 40
"""Number of points of a line, between two of its data points, that are checked."""

PLACES = tuple(
    (far * x, far * y)
    for far in (1.0, 2.2, 3.4)
    for x, y in ((4, 4), (4, -4), (-4, 4), (-4, -4), (0, 6), (0, -6), (6, 0), (-6, 0))
)
"""Places for a text, relative to its point, in points; the first ones are the best to read."""

TEXTS, OUTSIDE = 100.0, 1000.0
"""Cost of a pixel that covers another text, or lies outside the panel; one of a point or line costs 1."""


@dataclass(frozen=True)
class Label:
    """A text in a colour, beside a point of a panel's axes."""

    x: float
    y: float
    text: str
    colour: str


def add_labels(panel: Axes, labels: Sequence[Label]) -> None:
    """Write labels into a panel that has its lines, its limits, and its place in the figure, which must be laid out."""
    drawn, texts = drawn_boxes(panel), list[Boxes]()
    inside = np.array(panel.get_window_extent().extents)
    for label in labels:
        text = panel.annotate(
            label.text,
            (label.x, label.y),
            (0, 0),
            textcoords="offset points",
            fontsize=FONT_SIZE,
            color=label.colour,
            in_layout=False,
        )
        costs = []
        for place in PLACES:
            box = box_at(text, place)
            costs.append(
                covered(box, drawn)
                + TEXTS * covered(box, np.array(texts).reshape(-1, 4))
                + OUTSIDE * (area(box) - covered(box, inside[None]))
            )
        texts.append(box_at(text, PLACES[int(np.argmin(np.round(costs, 3)))]))


def box_at(text: Annotation, place: tuple[float, float]) -> Boxes:
    """Move a text to a place beside its point; its box (4,)."""
    x, y = place
    text.xyann = place
    text.set_horizontalalignment("left" if x > 0 else "right" if x < 0 else "center")
    text.set_verticalalignment("bottom" if y > 0 else "top" if y < 0 else "center")
    return np.array(text.get_window_extent().extents)


def drawn_boxes(panel: Axes) -> Boxes:
    """Boxes (N, 4) of the markers of a panel, and of the lines between them in small parts."""
    scale, found = panel.figure.dpi / 72, [np.empty((0, 4))]
    for line in panel.get_lines():
        if line.get_marker() in ("None", None):
            continue
        points = panel.transData.transform(line.get_xydata())
        found.append(_around(points, MARKER * scale))
        for start, end in pairwise(points):
            shares = np.linspace(0, 1, STEPS, endpoint=False)[:, None]
            found.append(_around(start + shares * (end - start), LINE * scale))
    return np.concatenate(found)


def _around(points: Boxes, reach: float) -> Boxes:
    """Boxes (N, 4) around points (N, 2)."""
    return np.hstack([points - reach, points + reach])


def area(box: Boxes) -> float:
    """Of a box (4,)."""
    return float((box[2] - box[0]) * (box[3] - box[1]))


def covered(box: Boxes, others: Boxes) -> float:
    """Area of a box (4,) that covers others (N, 4); an area common to several counts for each."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    return float(np.prod(np.clip(high - low, 0, None), axis=1).sum())
