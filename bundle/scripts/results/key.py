"""The key of the overview, at its right: what the contours mean, or the colours of a heatmap that is blended in."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .drawing import QUIET, TEXT, label, wrapped
from .header import HEADER
from .overlay import CONTOURS, blend
from .panels import GAP, PANEL, TITLES

WIDTH = 110
"""Width of the key in pixels."""


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 15, 20, 25, 30, 40, 50, ... above a value; 1 for nothing at all."""
    steps = (1, 2, 5, 10, 15, 20, 25, *range(30, 100, 10), *range(100, 500, 50))
    return float(next((step for step in steps if step >= value), np.ceil(value)))


def draw_bar(sheet: Image.Image, top: float, unit: str) -> None:
    """Draw the colours over a mid grey, with the values at five places."""
    left, upper, height = 4 * (PANEL + GAP) + 14, HEADER + 40, 2 * PANEL - 80
    level = np.linspace(1, 0, height)[:, None] * np.ones((1, 24))
    bar = blend(np.full((height, 24, 3), 110.0), level)
    sheet.paste(Image.fromarray(np.round(bar).astype(np.uint8)), (left, upper))
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        place = (left + 32, round(upper + (1 - part) * (height - 1)))
        label(sheet, place, f"{part * top:.3g} {unit}".rstrip(), 14, TEXT, "lm")


def draw_contours(sheet: Image.Image, meaning: str) -> None:
    """Draw what the contours mean."""
    left, row = 4 * (PANEL + GAP) + 10, HEADER + TITLES + 10
    label(sheet, (left, row), "Contours", 14, TEXT)
    for multiple, colour in CONTOURS:
        row += 30
        ImageDraw.Draw(sheet).line([(left, row), (left + 30, row)], fill=colour, width=2)
        words = ["threshold:", *wrapped(meaning, WIDTH - 16, 12)] if multiple == 1 else [f"{multiple:g} times it"]
        for line, text in enumerate(words):
            label(sheet, (left, row + 8 + 15 * line), text, 12, QUIET)
        row += 15 * len(words)
