"""The false-alarm rate of thresholds: what is one, what healthy scores can tell of it, and its words."""

from __future__ import annotations

import pytest

from scripts.statistics.alpha import (
    ALPHA,
    checked_alpha,
    percent,
    percent_below,
    reached,
    smallest_alpha,
    smallest_in_words,
)


@pytest.mark.parametrize("value", [0, -0.1, 0.51, 1, float("nan"), True, "0.05", None])
def test_what_is_no_alpha_is_said_with_its_value(value: object) -> None:
    with pytest.raises(ValueError, match=r"alpha must be above 0 and at most 0\.5, got"):
        checked_alpha(value)  # type: ignore[arg-type]


def test_what_is_one_is_taken() -> None:
    assert [checked_alpha(value) for value in (0.001, 0.05, 0.5)] == [0.001, 0.05, 0.5]


def test_the_smallest_alpha_is_that_of_the_highest_of_all_scores() -> None:
    assert smallest_alpha(99) == pytest.approx(0.01)
    assert reached(0.01, 99)
    assert not reached(0.0099, 99)
    assert (smallest_in_words(99), smallest_in_words(168), smallest_in_words(168, 2)) == ("0.01", "0.006", "0.012")


def test_words() -> None:
    assert (percent(ALPHA), percent_below(ALPHA)) == ("5 %", "95 %")
    assert (percent(0.001), percent_below(0.001), percent(0.125)) == ("0.1 %", "99.9 %", "12.5 %")
