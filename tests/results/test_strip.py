"""A strip of healthy scores has its ticks, its threshold and the scan's mark where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scripts.results.drawing import BACKGROUND, TEXT, WARNING
from scripts.results.strip import HEIGHT, TICKS, Healthy, draw_strip

WIDTH, LEFT = 250, 10
SCORES = [1.0, 2.0, 4.0]
"""With a threshold of 4, the strip ends at 5: 50 pixels for each unit."""


def drawn(score: float | None, threshold: float | None = 4.0) -> NDArray[np.uint8]:
    sheet = Image.new("RGB", (WIDTH + 2 * LEFT, HEIGHT + 20), BACKGROUND)
    draw_strip(sheet, (LEFT, 0), WIDTH, Healthy(SCORES, "healthy scans", threshold), score)
    return np.asarray(sheet)[:18]


def columns(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.intp]:
    return np.flatnonzero((picture == colour).all(axis=2).any(axis=0)) - LEFT


def test_ticks_and_threshold_are_at_their_values() -> None:
    picture = drawn(None)
    np.testing.assert_allclose(columns(picture, TICKS), [50, 100], atol=1)
    np.testing.assert_allclose(columns(picture, WARNING), [199], atol=1)
    assert not columns(picture, TEXT).size


def test_the_mark_of_the_score_points_at_it_in_the_colour_of_its_side_of_the_threshold() -> None:
    below = columns(drawn(2.5), TEXT)
    assert below.mean() == pytest.approx(124.5, abs=1)
    above = columns(drawn(4.5), WARNING)
    assert above.max() == pytest.approx(224 + 5, abs=1)
    assert not columns(drawn(4.5), TEXT).size
    assert columns(drawn(4.5, None), TEXT).size, "nothing is above an unknown threshold"


def test_a_score_beyond_the_end_is_an_arrow_there() -> None:
    assert columns(drawn(90.0), WARNING).max() == WIDTH - 1
    np.testing.assert_array_equal(drawn(90.0), drawn(900.0))
    assert (drawn(90.0) != drawn(4.9)).any()
