"""Where a score stands among healthy ones: counts, and the exact interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from scripts.statistics.standing import UNKNOWN, clopper_pearson, separated_interval, standing


@pytest.mark.parametrize(("found", "total"), [(0, 23), (1, 23), (17, 46), (23, 23), (83, 84)])
def test_the_interval_is_the_exact_one(found: int, total: int) -> None:
    exact = binomtest(found, total).proportion_ci(0.95, method="exact")
    assert clopper_pearson(found, total) == pytest.approx((exact.low, exact.high))


def test_a_score_is_above_those_below_it_and_not_above_its_equals() -> None:
    found = standing(3, [1, 2, 3, 3, 5])
    assert (found.below, found.healthy) == (2, 5)
    low, high = (round(100 * end, 1) for end in clopper_pearson(2, 5))
    assert found.numbers() == {"healthy_below": 2, "healthy_scores": 5, "percentile_low": low, "percentile_high": high}
    assert list(UNKNOWN) == list(found.numbers())


def test_two_scores_of_one_scan_make_the_interval_as_wide_as_one() -> None:
    scores = np.arange(84)
    alone, twice = standing(60, scores), standing(60, np.repeat(scores, 2), per_scan=2)
    assert (alone.low, alone.high) == (twice.low, twice.high)
    assert twice.healthy == 168


def test_what_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="got 3 of 2"):
        clopper_pearson(3, 2)
    with pytest.raises(ValueError, match="needs healthy scores, got none"):
        standing(1, [])


@pytest.mark.parametrize(
    ("interval", "fewer", "expected"),
    [((1, 1), 3, (0.292, 1)), ((1, 1), 54, (0.934, 1)), ((0, 0), 3, (0, 0.708)), ((0.8, 1), 3, (0.8, 1))],
)
def test_few_scans_that_are_separated_are_not_certain(
    interval: tuple[float, float], fewer: int, expected: tuple[float, float]
) -> None:
    assert separated_interval(*interval, fewer) == pytest.approx(expected, abs=0.001)
