"""A search for the highest value near a start without derivatives: steps along each parameter, which shrink.

Each round tries both neighbours along every parameter and, if *parabolas* are wanted, the peaks of parabolas through
them and half the way to those. The best candidate replaces the start if its value is higher; otherwise the steps of
that start shrink by half, and by less where a parabola won.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHRINK = 0.5
"""Factor of the steps after a round in which nothing improved."""


def pattern_search(
    values_at: Callable[[Array], Array],
    starts: Array,
    steps: Array,
    bounds: Array,
    rounds: int,
    parabolas: bool = True,
    least: float = 0.0,
) -> tuple[Array, Array]:
    """Places (P, D) that are reached from starts (P, D), all at once, and their values (P,).

    Args:
        values_at: values (...) of places (..., D).
        steps: first steps (D,).
        bounds: least and largest parameters (2, D), infinite where there is no bound.
        rounds: most rounds.
        parabolas: try the peaks of parabolas.
        least: the search ends when nothing improves with steps of this share of the first, or less.
    """
    places, count = starts.copy(), starts.shape[1]
    step = np.tile(steps, (len(places), 1))
    current = values_at(places)
    signs, rows = np.concatenate([np.eye(count), -np.eye(count)]), np.arange(len(places))
    for _ in range(rounds):
        around = np.clip(places[:, None] + signs * step[:, None], *bounds)
        values = values_at(around)
        if parabolas:
            move = _parabola(current, values[:, :count], values[:, count:]) * step
            ahead = np.clip(places[:, None] + np.stack([move, move / 2], 1), *bounds)
            around = np.concatenate([around, ahead], axis=1)
            values = np.concatenate([values, values_at(ahead)], axis=1)
        best, better = values.argmax(axis=1), values.max(axis=1) > current
        if not (better | (step[:, 0] > least * steps[0])).any():
            break
        places[better], current[better] = around[rows, best][better], values.max(axis=1)[better]
        step[~better] *= SHRINK
        step[better & (best >= 2 * count)] *= np.sqrt(SHRINK)
    return places, current


def _parabola(middle: Array, right: Array, left: Array) -> Array:
    """Peaks (P, D) of parabolas through three equidistant values (P,), (P, D), (P, D), in steps, clipped to [-1, 1]."""
    slope, bend = (right - left) / 2, 2 * middle[:, None] - right - left
    peak = np.where(bend > 1e-12, slope / np.maximum(bend, 1e-12), np.sign(slope))
    return np.clip(peak, -1.0, 1.0)
