"""Conformal p-values and the tests against calibration, beside slow and other ways to count them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom, brunnermunzel

from scripts.statistics.conformal import conformal_p, exceedance_test, p_of_rank, rank_test

HEALTHY = [1.0, 2.0, 2.0, 3.0]


@pytest.mark.parametrize(("score", "reaching"), [(0.5, 4), (1.0, 4), (1.5, 3), (2.0, 3), (2.5, 1), (3.0, 1), (9.0, 0)])
def test_a_p_value_counts_the_healthy_scores_that_reach_it(score: float, reaching: int) -> None:
    assert conformal_p([score], HEALTHY)[0] == pytest.approx((1 + reaching) / 5)
    assert p_of_rank(len(HEALTHY) - reaching, len(HEALTHY)) == conformal_p(score, HEALTHY)


@pytest.mark.parametrize(("below", "healthy"), [(0, 0), (-1, 4), (5, 4)])
def test_wrong_counts_are_said(below: int, healthy: int) -> None:
    with pytest.raises(ValueError, match=f"got {below} of {healthy}"):
        p_of_rank(below, healthy)


def test_p_values_of_exchangeable_scores_are_never_too_small() -> None:
    """Ties and all: the share of p-values up to p is at most p, by each of many draws together."""
    random, values = np.random.default_rng(0), []
    for _ in range(2000):
        drawn = random.integers(0, 12, 20)
        values.append(conformal_p(drawn[:1], drawn[1:])[0])
    for level in (0.05, 0.1, 0.3, 0.5, 0.9):
        assert np.mean(np.array(values) <= level) <= level + 0.025


def test_no_healthy_score_is_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"A conformal p-value needs healthy scores .*, got \[0\] of 0"):
        conformal_p([1.0], [])
    with pytest.raises(ValueError, match="needs two of each, got 1 scans and 4 healthy scores"):
        rank_test([[1.0]], HEALTHY)
    with pytest.raises(ValueError, match="got 5 of 4 above the threshold"):
        exceedance_test(5, 4, 1, 40)


def test_of_one_score_a_scan_the_rank_test_is_brunner_and_munzel_s() -> None:
    random = np.random.default_rng(1)
    site, healthy = random.normal(0.4, 1, 30).round(1), random.normal(0, 1.5, 45).round(1)
    higher, p = rank_test([[value] for value in site], healthy)
    known = brunnermunzel(healthy, site, distribution="normal")
    assert p == pytest.approx(known.pvalue)
    assert higher == pytest.approx(np.mean([(a > b) + (a == b) / 2 for a in site for b in healthy]))


def test_two_equal_hemispheres_say_no_more_than_one() -> None:
    random = np.random.default_rng(2)
    site, healthy = random.normal(0.4, 1, 30), random.normal(0, 1, 45)
    once = rank_test([[value] for value in site], healthy)
    twice = rank_test([[value, value] for value in site], np.repeat(healthy, 2), per_scan=2)
    assert twice == pytest.approx(once, rel=0.02)


def test_separated_and_equal_scores() -> None:
    assert rank_test([[2.0], [3.0]], [0.0, 1.0]) == (1.0, 0.0)
    assert rank_test([[1.0], [1.0]], [1.0, 1.0]) == (0.5, 1.0)


def test_exceedance_has_the_beta_binomial_distribution_of_draws() -> None:
    """The distribution by drawing: a threshold that 2 of 40 exceed, then 30 new scores."""
    random, counts = np.random.default_rng(3), []
    for _ in range(4000):
        healthy = np.sort(random.normal(size=40))
        counts.append(int((random.normal(size=30) > healthy[37]).sum()))
    for above in (3, 5, 8):
        share = np.mean(np.array(counts) >= above)
        assert betabinom(30, 3, 38).sf(above - 1) == pytest.approx(share, abs=0.02)
        assert exceedance_test(above, 30, 2, 40) == pytest.approx(min(1, 2 * share), abs=0.04)


def test_pairs_make_an_exceedance_less_certain_and_few_above_count_too() -> None:
    assert exceedance_test(12, 60, 4, 80) < exceedance_test(12, 60, 4, 80, per_scan=2)
    assert exceedance_test(0, 4000, 40, 800) < 0.001
    assert exceedance_test(0, 20, 4, 80) > 0.5
