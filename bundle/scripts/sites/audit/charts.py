"""Charts of an audit as SVG: QQ plots of p-values, and rates with their intervals, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...files.markup import element, escape

SIDE, MARGIN, LINE = 230, 46, 15
"""Of the square of a QQ plot, of the room for its axes, and of a line of its legend, in pixels."""

WIDTH, ROW, NAMES, ENDS = 560, 24, 210, 100
"""Of a chart of rates, of a row in it, and of the room for names and for numbers, in pixels."""

COLOURS = 6
"""Colours of curves in `audit.css`; further curves repeat them."""

LEAST_END = 15.0
"""Smallest rate, in percent, at which a chart of rates ends."""


def qq_plot(curves: Mapping[str, Sequence[Sequence[float]]], title: str) -> str:
    """A QQ plot of p-values by name, each of points (expected, p-value), 0 to 1; below the diagonal: higher scores."""
    low, high = MARGIN, MARGIN + SIDE
    tall = high + MARGIN + LINE * len(curves) + 4
    parts = [
        element("path", class_="axes", d=f"M{low} 8V{SIDE + 8}H{high}"),
        element("path", class_="chance", d=f"M{low} {SIDE + 8}L{high} 8"),
        *(_text(low + at * SIDE, SIDE + 22, f"{at:g}", "middle") for at in (0, 0.5, 1)),
        *(_text(low - 5, SIDE + 12 - at * SIDE, f"{at:g}", "end") for at in (0.5, 1)),
        _text(low + SIDE / 2, SIDE + 37, "expected p-value", "middle"),
        _text(0, 0, "p-value", "middle", transform=f"translate(10 {SIDE / 2 + 8:g}) rotate(-90)"),
    ]
    for number, (name, points) in enumerate(curves.items()):
        line = " ".join(f"{low + x * SIDE:.1f},{SIDE + 8 - y * SIDE:.1f}" for x, y in points)
        colour, base = f"c{number % COLOURS}", SIDE + 56 + LINE * number
        parts.append(element("polyline", class_=f"curve {colour}", points=line))
        parts.append(element("path", class_=f"curve {colour}", d=f"M{low} {base - 4}h14"))
        parts.append(_text(low + 20, base, name))
    return _svg(high + MARGIN / 2, tall, title, parts)


def rate_chart(rates: Mapping[str, Mapping[str, Any]], expected: float, title: str) -> str:
    """Rates by name, in percent, each as a dot with its interval, beside a line at the one that is expected."""
    known = {name: rate for name, rate in rates.items() if rate["percent"] is not None}
    end = max([LEAST_END, *(float(rate["high"]) for rate in known.values())])
    wide = WIDTH - NAMES - ENDS
    base = ROW * len(known) + 6

    def at(percent: float) -> str:
        return f"{NAMES + percent / end * wide:.1f}"

    parts = [
        element("path", class_="axes", d=f"M{NAMES} {base}h{wide}"),
        element("path", class_="threshold", d=f"M{at(expected)} 2V{base}"),
        _text(NAMES, base + 15, "0"),
        _text(float(at(expected)), base + 15, f"{expected:g} %", "middle"),
        _text(NAMES + wide, base + 15, f"{end:.0f} %", "end"),
    ]
    for number, (name, rate) in enumerate(known.items()):
        y = ROW * number + 16
        off = "off" if not rate["low"] <= expected <= rate["high"] else "dot"
        parts.append(_text(NAMES - 10, y + 4, name, "end"))
        parts.append(element("path", class_=f"whisker {off}", d=f"M{at(rate['low'])} {y}H{at(rate['high'])}"))
        parts.append(element("circle", class_=off, cx=at(rate["percent"]), cy=y, r=4))
        words = f"{rate['percent']:.0f} % [{rate['low']:.0f}, {rate['high']:.0f}]"
        parts.append(_text(WIDTH - ENDS + 10, y + 4, words))
    return _svg(WIDTH, base + 22, title, parts)


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """A chart that says in words what it is."""
    content, box = element("title", escape(title)) + "".join(parts), f"0 0 {width:g} {height:g}"
    return element("svg", content, viewBox=box, width=f"{width:g}", height=f"{height:g}", role="img", aria_label=title)


def _text(x: float, y: float, words: str, anchor: str = "start", **more: str) -> str:
    """Words at a place."""
    return element("text", escape(words), x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, **more)
