"""The strongest path through each place in each direction, and the trace of one path.

A *path* has `STEPS` steps of 2 mm to either side of a place, 34 mm in all, and turns by at most 15 degrees a step. Its
*strength* is the mean of the valleys along it, each capped. A max-plus recursion over the table of steps finds the
strongest: F_0 = 0, F_s[k](p) = max over |j - k| <= 1 of r[j](q) + F_(s-1)[j](q), where q is one step from p along j.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .directions import LINES, Array, Index

Values = NDArray[np.float32]

STEPS, CAP = 8, 16.0
"""Steps to either side; largest valley, in units of noise, that counts."""

FADED, MISSES, MOST_STEPS = 0.4, 1, 60
"""A trace ends after more than `MISSES` steps below this share of the median valley of its middle part, or after
`MOST_STEPS`: a blurred line has half of its depth where it ends."""

MIDDLE_STEPS = 4
"""Steps to either side in this middle part."""


class Trace(NamedTuple):
    """A line: fine places along it, from end to end, and its length, mm, along the surface."""

    places: Index
    length_mm: float


def onward(valleys: Values, steps: Index, count: int = STEPS, cap: float = CAP) -> Values:
    """Sum (2 `LINES`, n) of the strongest `count` steps from each place with each heading, the place left out.

    Valleys count up to `cap`.
    """
    capped = np.zeros((LINES, valleys.shape[1] + 1), dtype=np.float32)
    np.minimum(valleys, cap, out=capped[:, :-1])
    capped = np.concatenate([capped, capped])
    ahead = np.stack([row[step] for row, step in zip(capped, steps, strict=True)])
    total = np.zeros_like(ahead)
    for _ in range(count):
        padded = np.pad(total, ((0, 0), (0, 1)))
        straight = ahead + np.stack([row[step] for row, step in zip(padded, steps, strict=True)])
        total = np.maximum(straight, np.maximum(np.roll(straight, 1, axis=0), np.roll(straight, -1, axis=0)))
    return total


def strongest(valleys: Values, steps: Index) -> Values:
    """Strength (`LINES`, n) of the strongest path through each place in each line direction."""
    ahead = onward(valleys, steps)
    both = ahead[:LINES] + ahead[LINES:] + np.minimum(valleys, CAP)
    return np.asarray(both / (2 * STEPS + 1), dtype=np.float32)


def trace(valleys: Values, steps: Index, start: int, line: int, points_mm: Array) -> Trace:
    """The line through a place in a line direction, followed to both sides until it fades.

    `valleys` is (`LINES`, n), `points_mm` (n, 3) are the points of the fine places. Valleys are not capped here, or the
    way would leave the middle of a deep line.
    """
    ahead = onward(valleys, steps, cap=np.inf)
    near = [_follow(valleys, steps, ahead, start, heading, -1.0, MIDDLE_STEPS) for heading in (line, line + LINES)]
    middle = np.array([*near[0], start, *near[1]])
    level = FADED * float(np.median(valleys[:, middle].max(axis=0)))
    forward, backward = (_follow(valleys, steps, ahead, start, heading, level) for heading in (line, line + LINES))
    places = np.array([*backward[::-1], start, *forward], dtype=np.int32)
    return Trace(places, _length_mm(points_mm[places]))


def _length_mm(points_mm: Array) -> float:
    """Length of a chain of points (n, 3), smoothed over three, since places zigzag around their line."""
    if len(points_mm) > 4:
        inner = (points_mm[:-2] + points_mm[1:-1] + points_mm[2:]) / 3
        points_mm = np.concatenate([points_mm[:1], inner, points_mm[-1:]])
    return float(np.linalg.norm(np.diff(points_mm, axis=0), axis=1).sum())


def _follow(
    valleys: Values, steps: Index, ahead: Values, start: int, heading: int, level: float, most: int = MOST_STEPS
) -> list[int]:
    """Fine places after `start` along the strongest way with a heading, up to where it stays below `level`."""
    found: list[int] = []
    place, missed = start, 0
    while len(found) < most:
        turns = [(heading + turn) % (2 * LINES) for turn in (-1, 0, 1)]
        reached = [(turn, int(steps[turn, place])) for turn in turns if steps[turn, place] < valleys.shape[1]]
        if not reached:
            break
        heading, place = max(reached, key=lambda to: valleys[to[0] % LINES, to[1]] + ahead[to])
        missed = 0 if valleys[:, place].max() >= level else missed + 1
        if missed > MISSES:
            break
        found.append(place)
    return found[: len(found) - missed] if missed <= MISSES else found[: len(found) - MISSES]
