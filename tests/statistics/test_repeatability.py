"""Limits of agreement and the repeatability coefficient, against numbers done by hand and drawn repeats."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.statistics.repeatability import agreement, repeatability, wilcoxon_p


def test_the_limits_are_those_done_by_hand() -> None:
    found = agreement([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])
    assert (found.pairs, found.mean, found.sd) == (3, 2.0, 1.0)
    assert found.limits == pytest.approx((0.04, 3.96))


def test_the_coefficient_is_known_of_drawn_repeats() -> None:
    rng = np.random.default_rng(0)
    truth, sd = rng.normal(5, 3, 4000), 0.5
    found = repeatability(truth + rng.normal(0, sd, 4000), truth + rng.normal(0, sd, 4000))
    assert found.within_sd == pytest.approx(sd, rel=0.03)
    assert found.coefficient == pytest.approx(1.96 * np.sqrt(2) * sd, rel=0.03)
    assert found.interval_95[0] < 1.96 * np.sqrt(2) * sd < found.interval_95[1]


def test_of_few_repeats_the_interval_is_wide() -> None:
    found = repeatability([0.0, 0.0, 0.0, 0.0, 0.0], [1.0, -1.0, 1.0, -1.0, 1.0])
    assert found.coefficient == pytest.approx(1.96)
    low, high = found.interval_95
    assert low == pytest.approx(1.96 * np.sqrt(5 / 12.8325), rel=1e-4)  # chi-squared with 5 degrees of freedom
    assert high == pytest.approx(1.96 * np.sqrt(5 / 0.8312), rel=1e-3)


def test_wilcoxon_tells_a_shift_and_knows_that_nothing_differs() -> None:
    values = np.arange(10.0)
    assert wilcoxon_p(values, values) is None
    assert wilcoxon_p(values, values + np.arange(1, 11)) == pytest.approx(2 / 2**10)  # all 10 signs alike
    mixed = wilcoxon_p(values, values + np.array([1, -2, 3, -4, 5, -6, 7, -8, 9, -10]))
    assert mixed is not None
    assert mixed > 0.5


@pytest.mark.parametrize(("first", "second"), [([1.0], [2.0]), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0])])
def test_pairs_that_are_none_are_refused(first: list[float], second: list[float]) -> None:
    for function in (agreement, repeatability, wilcoxon_p):
        with pytest.raises(ValueError, match="pair"):
            function(first, second)
