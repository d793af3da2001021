"""ROC curves, Hanley and McNeil's interval and DeLong's test, against counting by hand and published figures."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from sklearn import metrics

from scripts.statistics.auroc import OneKindOnly, auroc, sensitivity_at
from scripts.statistics.roc import delong_test, hanley_mcneil_error, hanley_mcneil_interval, roc_curve


def items(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two scores of the same items with many ties, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < 0.4
    shared = rng.normal(size=count)
    return np.round(2 * shared + 3 * labels), np.round(shared + rng.normal(size=count) + labels), labels


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_is_what_each_threshold_finds(seed: int) -> None:
    scores, _, labels = items(seed)
    curve = roc_curve(scores, labels)
    assert (np.diff(curve.threshold) < 0).all()
    assert len(curve.threshold) == len(set(scores)) + 1
    found = [sensitivity_at(threshold, scores, labels) for threshold in curve.threshold]
    assert curve.sensitivity.tolist() == pytest.approx(found)
    passed, sensitivity, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose([curve.sensitivity, 1 - curve.specificity], [sensitivity, passed], atol=1e-12)
    assert (curve.sensitivity[0], curve.specificity[0]) == (0, 1)
    assert (curve.sensitivity[-1], curve.specificity[-1]) == (1, 0)


def test_a_curve_of_a_few_items() -> None:
    curve = roc_curve([1, 2, 3, 4], [0, 1, 0, 1])
    assert curve.threshold[:4].tolist() == [4, 3, 2, 1]
    assert curve.threshold[4] < 1
    assert curve.sensitivity.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.specificity.tolist() == [1, 1, 0.5, 0.5, 0]


def test_one_kind_has_no_curve_and_what_is_not_finite_is_said() -> None:
    with pytest.raises(OneKindOnly, match="A ROC curve needs healthy and anomalous items, got 0 and 2"):
        roc_curve([1, 2], [1, 1])
    with pytest.raises(ValueError, match="1 of 2 scores are not finite"):
        roc_curve([1, math.nan], [0, 1])


@pytest.mark.parametrize(
    ("area", "positives", "negatives", "low", "high"), [(0.81, 79, 81, 0.74, 0.88), (0.79, 20, 21, 0.65, 0.93)]
)
def test_the_published_intervals(area: float, positives: int, negatives: int, low: float, high: float) -> None:
    """Bieder et al., MIDL 2022: haemorrhage and fracture."""
    assert hanley_mcneil_interval(area, positives, negatives) == pytest.approx((low, high), abs=0.006)


def test_a_standard_error_by_hand() -> None:
    """A = 0.8, p = 2, n = 3: Q1 = 2/3, Q2 = 32/45; (0.16 + 0.02667 + 2 * 0.07111) / 6 = 0.05481."""
    assert hanley_mcneil_error(0.8, 2, 3) == pytest.approx(math.sqrt(0.3288889 / 6))
    assert hanley_mcneil_error(0.5, 1, 1) == pytest.approx(0.5)
    assert hanley_mcneil_error(1.0, 3, 5) == 0


def test_the_interval_stays_between_0_and_1_and_grows_with_the_level() -> None:
    assert hanley_mcneil_interval(0.95, 4, 4)[1] == 1
    assert hanley_mcneil_interval(0.05, 4, 4)[0] == 0
    narrow, wide = hanley_mcneil_interval(0.7, 40, 40, 0.5), hanley_mcneil_interval(0.7, 40, 40, 0.99)
    assert wide[0] < narrow[0] < 0.7 < narrow[1] < wide[1]


@pytest.mark.parametrize(("area", "positives"), [(1.1, 3), (math.nan, 3), (0.5, 0)])
def test_what_has_no_interval(area: float, positives: int) -> None:
    with pytest.raises(ValueError, match="at least one item of each kind is needed"):
        hanley_mcneil_interval(area, positives, 5)


def slow_delong(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Both AUROCs and the variance of their difference, by the definition: a kernel over all pairs, covariances."""
    n, m = int((~labels).sum()), int(labels.sum())
    kernels = []
    for scores in (first, second):
        pairs = [(a > h) + 0.5 * (a == h) for a, h in product(scores[labels], scores[~labels])]
        kernels.append(np.array(pairs).reshape(m, n))
    of_anomalous = np.cov([kernel.mean(axis=1) for kernel in kernels])
    of_healthy = np.cov([kernel.mean(axis=0) for kernel in kernels])
    covariance = of_anomalous / m + of_healthy / n
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    return float(kernels[0].mean()), float(kernels[1].mean()), float(variance)


@pytest.mark.parametrize("seed", range(6))
def test_delong_by_its_definition(seed: int) -> None:
    first, second, labels = items(seed)
    found = delong_test(first, second, labels)
    area_1, area_2, variance = slow_delong(first, second, labels)
    assert (found.first, found.second) == pytest.approx((area_1, area_2))
    assert found.difference == pytest.approx(area_1 - area_2)
    assert found.standard_error == pytest.approx(math.sqrt(variance))
    assert found.z == pytest.approx((area_1 - area_2) / math.sqrt(variance))
    assert found.p == pytest.approx(math.erfc(abs(found.z) / math.sqrt(2)))


def test_delong_turns_with_its_scores_and_goes_by_ranks_alone() -> None:
    first, second, labels = items(1)
    there, back = delong_test(first, second, labels), delong_test(second, first, labels)
    assert (there.difference, there.p) == pytest.approx((-back.difference, back.p))
    assert delong_test(np.exp(first), 3 * second - 7, labels) == there


def test_the_same_score_does_not_differ_from_itself() -> None:
    first, _, labels = items(2)
    found = delong_test(first, first, labels)
    assert (found.difference, found.standard_error, found.z, found.p) == (0, 0, 0, 1)


def test_a_difference_without_any_spread_is_certain() -> None:
    labels = [0, 0, 1, 1]
    found = delong_test([1, 2, 3, 4], [4, 3, 2, 1], labels)
    assert (found.difference, found.z, found.p) == (1, math.inf, 0)


def test_delong_holds_its_level() -> None:
    """Of scores that are equally good, about 5 % differ at 5 %."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) < 40
    small = 0
    for _ in range(400):
        shared = rng.normal(size=80) + labels
        small += delong_test(shared + rng.normal(size=80), shared + rng.normal(size=80), labels).p < 0.05
    assert 0.02 < small / 400 < 0.09


def test_a_clustered_variance_by_hand() -> None:
    """Three heads: (4, 1), (2, 3) and (1, 2), of which the first one's 4 and the second one's 2 are anomalous.

    Placements: of the anomalous 1 and 5/8, of the healthy 1, 1/2, 1 and 3/4; the AUROC is 13/16. Sums by head of how
    far they are from it, in 16ths: anomalous 3, -3, 0, healthy 3, -5, 2. The other score is of no use, 1/2 everywhere.
    The variance is 2/1 (9 + 9) / 2^2 + 3/2 (9 + 25 + 4) / 4^2 + 2 * 3/2 (9 + 15) / (2 * 4), by 16^2.
    """
    labels, heads = [1, 0, 1, 0, 0, 0], ["a", "a", "b", "b", "c", "c"]
    found = delong_test([4, 1, 2, 3, 1, 2], [0] * 6, labels, heads)
    assert (found.first, found.second) == (13 / 16, 1 / 2)
    assert found.standard_error == pytest.approx(math.sqrt(9 + 57 / 16 + 9) / 16)
    assert delong_test([4, 1, 2, 3, 1, 2], [0] * 6, labels).standard_error == pytest.approx(
        math.sqrt(2 / 1 * 18 / 4 + 4 / 3 * (9 + 25 + 9 + 1) / 16) / 16
    )


@pytest.mark.parametrize("seed", range(3))
def test_clusters_of_one_item_are_delong_s(seed: int) -> None:
    first, second, labels = items(seed)
    alone, clustered = delong_test(first, second, labels), delong_test(first, second, labels, list(range(60)))
    assert clustered == alone


def heads_of_two(
    rng: np.random.Generator, count: int, shared: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[int]]:
    """Two scores, labels and heads of both hemispheres, whose scores share so much of their spread; half bleed."""
    heads = np.repeat(np.arange(count), 2)
    labels = (heads % 2 == 1) & (np.tile([True, False], count) | (heads % 4 == 1))
    scores = [
        math.sqrt(shared) * np.repeat(rng.normal(size=count), 2) + math.sqrt(1 - shared) * rng.normal(size=2 * count)
        for _ in range(2)
    ]
    return scores[0] + labels, scores[1] + labels, labels, heads.tolist()


def test_the_clustered_error_is_that_of_a_bootstrap_over_heads() -> None:
    """Which DeLong's own is not: hemispheres of a head that are alike rise and fall together."""
    rng = np.random.default_rng(3)
    first, second, labels, heads = heads_of_two(rng, 120, 0.9)
    differences = []
    for _ in range(2000):
        drawn = np.repeat(2 * rng.integers(120, size=120), 2) + np.tile([0, 1], 120)
        areas = [auroc(scores[drawn], labels[drawn]) for scores in (first, second)]
        differences.append(areas[0] - areas[1])
    expected = float(np.std(differences))
    assert delong_test(first, second, labels, heads).standard_error == pytest.approx(expected, rel=0.06)
    assert abs(delong_test(first, second, labels).standard_error / expected - 1) > 0.1


@pytest.mark.parametrize("clustered", [True, False])
def test_only_the_clustered_test_holds_its_level_where_hemispheres_are_alike(clustered: bool) -> None:
    rng = np.random.default_rng(4)
    small, rounds = 0, 300
    for _ in range(rounds):
        first, second, _, heads = heads_of_two(rng, 60, 0.95)
        labels = np.array(heads) % 2 == 1  # whole heads: each has as good as one item
        small += delong_test(first, second, labels, heads if clustered else None).p < 0.05
    assert (small / rounds < 0.09) == clustered


def test_what_delong_can_not_compare() -> None:
    with pytest.raises(ValueError, match="needs two healthy and two anomalous items, got 1 and 2"):
        delong_test([1, 2, 3], [1, 2, 3], [0, 1, 1])
    with pytest.raises(ValueError, match="two anomalous clusters with such items, got 2 and 1"):
        delong_test([1, 2, 3, 4], [1, 2, 3, 4], [0, 0, 1, 1], ["a", "b", "c", "c"])
    with pytest.raises(ValueError, match="both scores, and clusters, must be of the same items"):
        delong_test([1, 2, 3, 4], [1, 2, 3, 4], [0, 0, 1, 1], ["a", "b", "c"])
    with pytest.raises(ValueError, match="scores and labels must be one list each"):
        delong_test([1, 2, 3, 4], [1, 2, 3], [0, 1, 0, 1])
    with pytest.raises(OneKindOnly, match="got 3 and 0"):
        delong_test([1, 2, 3], [1, 2, 3], [0, 0, 0])
