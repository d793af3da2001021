"""Charts of a cohort as SVG: the distribution of scores, and ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..files.markup import element, escape

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
        _bar(MARGIN + place * step, base, step - 1, tall * count / top) for place, count in enumerate(counts) if count
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
    low, high = MARGIN, size - MARGIN
    parts = [
        element("path", class_="axes", d=f"M{low} {low}V{high}H{high}"),
        element("path", class_="chance", d=f"M{low} {high}L{high} {low}"),
        _text(size / 2, size - 6, "1 - specificity", "middle"),
        _text(0, 0, "sensitivity", "middle", transform=f"translate(14 {size / 2:g}) rotate(-90)"),
    ]
    for number, (name, (sensitivity, specificity)) in enumerate(curves.items()):
        pairs = zip(sensitivity, specificity, strict=True)
        points = " ".join(f"{low + (1 - right) * SIDE:.1f},{high - found * SIDE:.1f}" for found, right in pairs)
        parts.append(element("polyline", class_=f"curve curve-{number}", points=f"{low},{high} {points}"))
        parts.append(_text(high - 4, high - 10 - 16 * number, name, "end", class_=f"name-{number}"))
    return _svg(size, size, "ROC curves", *parts)


def _bar(x: float, base: float, width: float, height: float) -> str:
    """A bar that stands on a line."""
    numbers = {"x": x, "y": base - height, "width": width, "height": height}
    return element("rect", class_="bar", **{name: f"{value:.1f}" for name, value in numbers.items()})


def _svg(width: float, height: float, title: str, *parts: str) -> str:
    """A chart that says in words what it is, for those who don't see it."""
    content = element("title", escape(title)) + "".join(parts)
    box = f"0 0 {width:g} {height:g}"
    return element("svg", content, viewBox=box, width=width, height=height, role="img", aria_label=title)


def _line(x: float, top: float, base: float) -> str:
    """A line at a threshold."""
    return element("path", class_="threshold", d=f"M{x:.1f} {top}V{base}")


def _text(x: float, y: float, words: str, anchor: str = "start", **more: str) -> str:
    """Words at a place."""
    return element("text", escape(words), x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, **more)
