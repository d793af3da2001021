"""The alpha of thresholds: what is one, what healthy scores can tell of it, and its words."""

from __future__ import annotations

import numpy as np
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
from scripts.statistics.auroc import threshold_at_specificity


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


@pytest.mark.parametrize(("healthy", "alpha", "above", "of_new"), [(54, 0.02, 1, 0.036), (168, 0.05, 8, 0.053)])
def test_a_new_healthy_score_exceeds_a_threshold_more_often_than_those_of_calibration(
    healthy: int, alpha: float, above: int, of_new: float
) -> None:
    scores = np.arange(healthy, dtype=float)
    limit = threshold_at_specificity(scores, 1 - alpha)
    assert (scores > limit).sum() == above <= alpha * healthy
    # a new score is as likely in each of the gaps around the others
    new = np.arange(healthy + 1) - 0.5
    assert (new > limit).mean() == pytest.approx(of_new, abs=5e-4)
    assert (new > limit).mean() == (above + 1) / (healthy + 1) > alpha


def test_words() -> None:
    assert (percent(ALPHA), percent_below(ALPHA)) == ("5 %", "95 %")
    assert (percent(0.001), percent_below(0.001), percent(0.125)) == ("0.1 %", "99.9 %", "12.5 %")
