from __future__ import annotations

import numpy as np
import pytest

from scripts.statistics.clustered_share import clustered_share
from scripts.statistics.standing import clopper_pearson


def test_items_that_are_alike_within_a_cluster_count_as_one() -> None:
    found, clusters = [True, False, True, True, False, True, False, True], list(range(8))
    single = clustered_share(found, clusters)
    repeated = clustered_share(np.repeat(found, 10).tolist(), np.repeat(clusters, 10).tolist())
    assert single is not None
    assert repeated is not None
    assert repeated[1] - repeated[0] > 0.9 * (single[1] - single[0])


def test_many_clusters_of_one_item_give_nearly_the_exact_interval() -> None:
    found = [bool(number % 3) for number in range(300)]
    low, high = clustered_share(found, range(300)) or (0, 0)
    assert (low, high) == pytest.approx(clopper_pearson(200, 300), abs=0.01)


def test_all_found_counts_each_cluster_once() -> None:
    assert clustered_share([True] * 50, [number % 5 for number in range(50)]) == clopper_pearson(5, 5)
    assert clustered_share([False] * 50, [number % 5 for number in range(50)]) == clopper_pearson(0, 5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng, inside = np.random.default_rng(0), 0
    for _ in range(300):
        rates = rng.beta(3, 1.5, 10)  # ten scans that differ much, of eight lesions each
        found = (rng.random((10, 8)) < rates[:, None]).ravel()
        low, high = clustered_share(found.tolist(), np.repeat(range(10), 8).tolist()) or (0, 0)
        inside += low <= 3 / 4.5 <= high
    assert inside / 300 > 0.92


def test_one_cluster_says_nothing_of_others_and_no_item_nothing_at_all() -> None:
    assert clustered_share([True, False], ["a", "a"]) is None
    with pytest.raises(ValueError, match="each item needs a cluster"):
        clustered_share([], [])
