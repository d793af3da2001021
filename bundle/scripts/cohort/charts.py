"""Charts of a cohort as SVG: the distribution of scores, and ROC curves."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, MARGIN = 320, 150, 24
"""Of a chart, and of the room for its axes, in pixels."""

BINS = 32

BEYOND = 4.0
"""Scores over this multiple of the highest threshold are counted in the last bin."""

SIDE = 220
"""Of the square of a ROC curve, in pixels."""


def histogram(scores: Sequence[float], thresholds: Sequence[float], title: str) -> str:
    """The distribution of scores, as an SVG with a bar a bin and a line at each threshold.

    Scores far beyond all thresholds (`BEYOND`) stand in the last bin, which then says "or more".
    """
    if not scores:
        return _svg(WIDTH, HEIGHT, title, _text(WIDTH / 2, HEIGHT / 2, "no scores", "middle"))
    end = max([*scores, *thresholds])
    beyond = bool(thresholds) and end > BEYOND * max(thresholds)
    end = BEYOND * max(thresholds) if beyond else end or 1.0
    counts = [0] * BINS
    for score in scores:
        counts[min(int(max(score, 0.0) / end * BINS), BINS - 1)] += 1
    step, top, base = (WIDTH - 2 * MARGIN) / BINS, max(counts), HEIGHT - MARGIN
    tall = base - MARGIN
    bars = [
        f'<rect class="bar" x="{MARGIN + place * step:.1f}" y="{base - tall * count / top:.1f}" '
        f'width="{step - 1:.1f}" height="{tall * count / top:.1f}"/>'
        for place, count in enumerate(counts)
        if count
    ]
    lines = [_line(MARGIN + limit / end * (WIDTH - 2 * MARGIN), MARGIN - 6, base) for limit in thresholds]
    words = [
        _text(MARGIN, HEIGHT - 8, "0"),
        _text(WIDTH - MARGIN, HEIGHT - 8, f"{end:.1f}{' or more' if beyond else ''}", "end"),
        _text(MARGIN, MARGIN - 10, f"{len(scores)} scores, at most {top} a bar"),
    ]
    return _svg(WIDTH, HEIGHT, title, *bars, *lines, *words)


def roc(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """ROC curves by name, as an SVG; each is (sensitivity, specificity), of shape (k,), 0 to 1, from none found on."""
    size = SIDE + 2 * MARGIN
    parts = [
        f'<path class="axes" d="M{MARGIN} {MARGIN}V{size - MARGIN}H{size - MARGIN}"/>',
        f'<path class="chance" d="M{MARGIN} {size - MARGIN}L{size - MARGIN} {MARGIN}"/>',
        _text(size / 2, size - 6, "1 - specificity", "middle"),
        f'<text transform="translate(14 {size / 2}) rotate(-90)" text-anchor="middle">sensitivity</text>',
    ]
    for number, (name, (sensitivity, specificity)) in enumerate(curves.items()):
        points = " ".join(
            f"{MARGIN + (1 - right) * SIDE:.1f},{size - MARGIN - found * SIDE:.1f}"
            for found, right in zip(sensitivity, specificity, strict=True)
        )
        parts.append(f'<polyline class="curve curve-{number}" points="{MARGIN},{size - MARGIN} {points}"/>')
        parts.append(_text(size - MARGIN - 4, size - MARGIN - 10 - 16 * number, name, "end", f"name-{number}"))
    return _svg(size, size, "ROC curves", *parts)


def _svg(width: float, height: float, title: str, *parts: str) -> str:
    """A chart that says in words what it is, for those who don't see it."""
    named = html.escape(title)
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    return f'<svg {size} role="img" aria-label="{named}"><title>{named}</title>{"".join(parts)}</svg>'


def _line(x: float, top: float, base: float) -> str:
    """A threshold; beyond the chart it is left out."""
    return f'<path class="threshold" d="M{x:.1f} {top}V{base}"/>' if math.isfinite(x) and x < WIDTH else ""


def _text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """Words at a place."""
    drawn = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{drawn}>{html.escape(words)}</text>'
