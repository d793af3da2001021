from __future__ import annotations

import numpy as np

from scripts.skull.directions import LINES
from scripts.skull.paths import CAP, STEPS, onward, strongest, trace


def tiny() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 9, (LINES, 30)).astype(np.float32)
    return values, rng.integers(0, 31, (2 * LINES, 30)).astype(np.int32)


def slow(values: np.ndarray, steps: np.ndarray, place: int, heading: int, count: int) -> float:
    """The strongest way, by trying all."""
    if count == 0 or place == values.shape[1]:
        return 0.0
    best = 0.0
    for turn in (-1, 0, 1):
        to = (heading + turn) % (2 * LINES)
        there = steps[to, place]
        own = min(values[to % LINES, there], CAP) if there < values.shape[1] else 0.0
        best = max(best, own + slow(values, steps, there, to, count - 1))
    return best


def test_the_recursion_finds_the_strongest_of_all_ways() -> None:
    values, steps = tiny()
    found = onward(values, steps, 4)
    for place in (0, 11, 29):
        for heading in (0, 7, 23):
            np.testing.assert_allclose(found[heading, place], slow(values, steps, place, heading, 4), rtol=1e-5)


def test_a_strength_is_the_mean_of_both_sides_and_the_place() -> None:
    values, steps = tiny()
    ahead = onward(values, steps)
    expected = (ahead[4, 9] + ahead[4 + LINES, 9] + min(values[4, 9], CAP)) / (2 * STEPS + 1)
    np.testing.assert_allclose(strongest(values, steps)[4, 9], expected, rtol=1e-5)
    assert strongest(np.full_like(values, 50), steps % 30).max() <= CAP + 1e-5


def test_a_trace_ends_where_the_line_ends_and_bridges_one_miss() -> None:
    count = 60
    steps = np.full((2 * LINES, count), count, dtype=np.int32)
    steps[0, :-1] = np.arange(1, count)
    steps[LINES, 1:] = np.arange(count - 1)
    values = np.zeros((LINES, count), np.float32)
    values[0, 10:41] = 5
    values[0, 25] = 0
    points = np.stack([2.0 * np.arange(count), np.zeros(count), np.zeros(count)], axis=1)
    found = trace(values, steps, 20, 0, points)
    assert found.places.tolist() == list(range(10, 41))
    np.testing.assert_allclose(found.length_mm, 60)
