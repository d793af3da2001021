"""A strip of healthy scores: one tick for each, the threshold, and a mark for the score of this scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from ..statistics.alpha import ALPHA, percent_below
from .drawing import QUIET, TEXT, WARNING, label

HEIGHT = 34
"""Height of a strip and its words in pixels."""

TICKS, ROOM = (92, 104, 120), 1.25
"""Colour of the ticks; the strip ends at this multiple of the largest of healthy scores and threshold."""


@dataclass(frozen=True)
class Healthy:
    """Healthy scores that a region is compared with: sorted values, what they are of, the threshold and its alpha."""

    scores: Sequence[float]
    words: str
    threshold: float | None
    alpha: float = ALPHA


def draw_strip(sheet: Image.Image, corner: tuple[int, int], width: int, healthy: Healthy, score: float | None) -> None:
    """Draw a strip with its upper left corner at (column, row); a score beyond its end is an arrow there."""
    left, upper = corner
    draw, base = ImageDraw.Draw(sheet), upper + 18
    end = ROOM * max([*healthy.scores, healthy.threshold or 0.0, 1e-6])

    def column(value: float) -> int:
        return left + round(min(max(value, 0.0) / end, 1.0) * (width - 1))

    draw.line([(left, base), (left + width - 1, base)], fill=TICKS)
    for value in healthy.scores:
        draw.line([(column(value), base - 6), (column(value), base)], fill=TICKS)
    if healthy.threshold:
        draw.line([(column(healthy.threshold), base - 12), (column(healthy.threshold), base + 3)], fill=WARNING)
    if score is not None:
        above = healthy.threshold is not None and score > healthy.threshold
        _draw_score(draw, column(score), base, beyond=score > end, colour=WARNING if above else TEXT)
    limit = f", {percent_below(healthy.alpha)} at or below {healthy.threshold:.1f}" if healthy.threshold else ""
    label(sheet, (left, base + 4), f"n = {len(healthy.scores)} {healthy.words}{limit}", 11, QUIET)


def _draw_score(draw: ImageDraw.ImageDraw, at: int, base: int, beyond: bool, colour: tuple[int, int, int]) -> None:
    """Draw the mark of a score: a triangle from above, or to the right at the end of the strip."""
    shape = [(at - 8, base - 12), (at, base - 7), (at - 8, base - 2)]
    if not beyond:
        draw.line([(at, base - 8), (at, base)], fill=colour)
        shape = [(at - 5, base - 16), (at + 5, base - 16), (at, base - 7)]
    draw.polygon(shape, fill=colour)
