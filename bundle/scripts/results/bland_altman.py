"""The picture of Bland and Altman: of things measured twice, the difference beside the mean, with limits of agreement.

A panel for each kind of measurement. A solid line stands at the mean difference, dashed ones at the limits; a thin one
at 0. Marked points are drawn in the colour of warnings.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .drawing import BACKGROUND, QUIET, TEXT, WARNING, fitted, label

WIDTH, HEIGHT, MARGIN = 330, 250, 44
"""Of a panel, and of the room for its axes and title, in pixels."""

HEADER = 34
"""Height of the title of the sheet, in pixels."""

ROOM = 1.15
"""Axes reach this multiple of the range of what they show."""

DOT, DASH = 3, 6
"""Radius of a point, and length of a dash, in pixels."""

LIMITS = (110, 180, 240)
"""Colour of the mean difference and of the limits."""


@dataclass(frozen=True)
class Pairs:
    """Pairs to draw: a title, first and second values, mean difference, limits, and the numbers of marked pairs.

    `limits` is None where they are too few.
    """

    title: str
    first: Sequence[float]
    second: Sequence[float]
    mean: float | None
    limits: tuple[float, float] | None
    marked: frozenset[int] = frozenset()


def bland_altman(panels: Sequence[Pairs], title: str) -> bytes:
    """The picture, as the bytes of a PNG.

    Raises:
        ValueError: there is no panel.
    """
    if not panels:
        raise ValueError("a picture of pairs needs a panel, got none")
    sheet = Image.new("RGB", (WIDTH * len(panels), HEADER + HEIGHT), BACKGROUND)
    label(sheet, (10, 8), fitted(title, sheet.width - 20, 15), 15, TEXT)
    for number, panel in enumerate(panels):
        _draw(sheet, (WIDTH * number, HEADER), panel)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def _draw(sheet: Image.Image, corner: tuple[int, int], panel: Pairs) -> None:
    """Draw a panel with its upper left corner at (column, row)."""
    left, upper = corner[0] + MARGIN, corner[1] + 24
    right, base = corner[0] + WIDTH - 12, corner[1] + HEIGHT - 34
    label(sheet, (left, corner[1] + 2), fitted(f"{panel.title}, n = {len(panel.first)}", WIDTH - MARGIN, 13), 13, TEXT)
    draw = ImageDraw.Draw(sheet)
    draw.line([(left, upper), (left, base), (right, base)], fill=QUIET)
    if not panel.first:
        label(sheet, ((left + right) // 2, (upper + base) // 2), "no pairs", 12, QUIET, "mm")
        return
    first, second = np.asarray(panel.first, dtype=float), np.asarray(panel.second, dtype=float)
    means, found = (first + second) / 2, second - first
    lines = [line for line in (panel.mean, *(panel.limits or ())) if line is not None]
    reach = ROOM * max(float(np.abs([*found, *lines]).max()), 1e-6)
    low, high = min(float(means.min()), 0.0), max(float(means.max()) * ROOM, 1e-6)

    def row(value: float) -> int:
        return round((upper + base) / 2 - value / reach * (base - upper) / 2)

    def column(value: float) -> int:
        return round(left + (value - low) / (high - low) * (right - left))

    draw.line([(left, row(0)), (right, row(0))], fill=QUIET)
    for line in lines:
        _dashed(draw, left, right, row(line), DASH if line != panel.mean else 0)
        label(sheet, (right, row(line) - 1), f"{line:+.2f}", 11, LIMITS, "rd")
    for number, (at, value) in enumerate(zip(means, found, strict=True)):
        x, y = column(float(at)), row(float(value))
        draw.ellipse([(x - DOT, y - DOT), (x + DOT, y + DOT)], fill=WARNING if number in panel.marked else TEXT)
    for value in (-reach / ROOM, 0.0, reach / ROOM):
        label(sheet, (left - 4, row(value)), f"{value:.2g}", 11, QUIET, "rm")
    label(sheet, (left, base + 4), f"{low:.3g}", 11, QUIET)
    label(sheet, (right, base + 4), f"{high:.3g}", 11, QUIET, "ra")
    label(sheet, ((left + right) // 2, base + 14), "mean of both", 11, QUIET, "ma")


def _dashed(draw: ImageDraw.ImageDraw, left: int, right: int, row: int, dash: int) -> None:
    """Draw a line across, in dashes of so many pixels; 0 for a solid one."""
    step = 2 * dash or right - left
    for start in range(left, right, step):
        draw.line([(start, row), (min(start + (dash or step), right), row)], fill=LIMITS)
