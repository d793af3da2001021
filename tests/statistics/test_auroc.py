"""AUROC, thresholds and intervals, against counting by hand."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scripts.statistics.auroc import (
    OneKindOnly,
    auroc,
    clustered_bootstrap,
    percentile_among,
    sensitivity_at,
    threshold_at_specificity,
)

SCORES = [0.1, 0.4, 0.35, 0.8]
LABELS = [0, 0, 1, 1]


def items(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, and labels."""
    rng = np.random.default_rng(seed)
    labels = rng.random(count) < 0.4
    return rng.integers(0, 12, count) + 2.0 * labels, labels


@pytest.mark.parametrize("seed", range(5))
def test_auroc_counts_pairs_and_is_that_of_scikit_learn(seed: int) -> None:
    scores, labels = items(seed)
    pairs = [(p > n) + 0.5 * (p == n) for p, n in product(scores[labels], scores[~labels])]
    assert auroc(scores, labels) == pytest.approx(np.mean(pairs))
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_auroc_of_known_lists() -> None:
    assert auroc(SCORES, LABELS) == 0.75
    assert auroc([1, 2, 3, 4], LABELS) == 1
    assert auroc([4, 3, 2, 1], LABELS) == 0
    assert auroc([1, 1, 1, 1], LABELS) == 0.5


def test_the_threshold_is_the_lowest_that_does() -> None:
    healthy = np.random.default_rng(0).permutation(100) + 1.0
    assert threshold_at_specificity(healthy) == 95
    assert threshold_at_specificity(healthy, 0.951) == 96
    assert threshold_at_specificity(healthy, 1.0) == 100
    assert threshold_at_specificity([7.0]) == 7
    assert threshold_at_specificity([2, 1, 1, 1], 0.75) == 1
    for specificity in (0.5, 0.9, 0.95):
        threshold = threshold_at_specificity(healthy, specificity)
        assert (healthy <= threshold).mean() >= specificity > (healthy <= threshold - 1).mean()


def test_the_sensitivity_counts_what_is_above() -> None:
    assert sensitivity_at(0.35, SCORES, LABELS) == 0.5
    assert sensitivity_at(0.34, SCORES, LABELS) == 1


def test_the_percentile_counts_what_is_lower_and_half_of_what_is_equal() -> None:
    healthy = [1.0, 2, 2, 5]
    assert [percentile_among(score, healthy) for score in (0, 1, 2, 3, 5, 6)] == [0, 12.5, 50, 75, 87.5, 100]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: auroc([1, 2], [1, 1]), "needs healthy and anomalous items, got 0 and 2"),
        (lambda: sensitivity_at(0, [1, 2], [0, 0]), "needs an anomalous item, got 2"),
    ],
)
def test_one_kind_alone_is_said(call: Any, match: str) -> None:
    with pytest.raises(OneKindOnly, match=match):
        call()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: auroc([1, 2, 3], [0, 1]), r"as long as each other, got \(3,\) and \(2,\)"),
        (lambda: auroc([1, np.nan], [0, 1]), "1 of 2 scores are not finite"),
        (lambda: threshold_at_specificity([]), "needs healthy scores, got none"),
        (lambda: threshold_at_specificity([1], 1.5), "at most 1, got 1.5"),
        (lambda: percentile_among(1, []), "needs healthy scores, got none"),
        (lambda: clustered_bootstrap(len, []), "needs a cluster and a unit, got 0 and 0"),
        (lambda: clustered_bootstrap(len, [1, 2], units=[1]), "got 2 and 1"),
    ],
)
def test_wrong_input_is_a_sentence(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    """With every item its own cluster, the interval of a mean is the textbook's."""
    values = np.random.default_rng(1).normal(10, 2, 200)
    low, high = clustered_bootstrap(lambda index: float(values[index].mean()), range(200), seed=3, rounds=2000)
    half = 1.96 * values.std() / np.sqrt(200)
    assert low == pytest.approx(values.mean() - half, abs=0.05)
    assert high == pytest.approx(values.mean() + half, abs=0.05)
    assert (low, high) == clustered_bootstrap(lambda i: float(values[i].mean()), range(200), seed=3, rounds=2000)
    assert (low, high) != clustered_bootstrap(lambda i: float(values[i].mean()), range(200), seed=4, rounds=2000)


def test_items_of_a_cluster_that_agree_make_the_interval_wide() -> None:
    """Ten clusters of twenty equal items say as much as ten items, not as two hundred."""
    centres = np.random.default_rng(2).normal(0, 1, 10)
    values, clusters = np.repeat(centres, 20), np.repeat(range(10), 20)
    low, high = clustered_bootstrap(lambda i: float(values[i].mean()), clusters.tolist(), rounds=2000)
    assert high - low == pytest.approx(2 * 1.96 * centres.std() / np.sqrt(10), rel=0.1)


def test_items_of_a_unit_are_drawn_together() -> None:
    clusters, units = ["a", "a", "a", "a", "b", "b"], [1, 1, 2, 2, 1, 1]
    draws: list[np.ndarray] = []
    clustered_bootstrap(lambda index: draws.append(index) or 0.0, clusters, rounds=50, units=units)
    for draw in draws:
        counts = np.bincount(draw, minlength=6)
        assert counts[0] == counts[1]
        assert counts[2] == counts[3]
        assert counts[4] == counts[5]
    assert len({len(draw) for draw in draws}) > 1, "whole clusters are drawn, and they differ in size"


def test_rounds_with_one_kind_are_left_out_and_too_many_are_an_error() -> None:
    scores, labels = np.array([1.0, 2, 3, 4]), np.array([0, 1, 0, 1])
    low, high = clustered_bootstrap(lambda index: auroc(scores[index], labels[index]), range(4), rounds=200)
    assert 0 <= low < high <= 1
    with pytest.raises(ValueError, match="only 0 of 20 draws have both kinds"):
        clustered_bootstrap(lambda index: auroc(scores[index], np.ones(len(index))), range(4), rounds=20)
