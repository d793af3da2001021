"""P and q values of cases: by counting, and that a worklist of simulated cases has the rate that was asked for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scripts.cohort.worklist import case_p, conformal_p, q_values


def details(*pairs: tuple[int | None, int | None]) -> dict[str, dict[str, int | None]]:
    names = ("left_hemisphere", "right_hemisphere", "skull")
    return {n: {"healthy_below": b, "healthy_scores": h} for n, (b, h) in zip(names, pairs, strict=False)}


def test_the_p_value_is_the_share_of_all_scores_that_are_as_high() -> None:
    healthy = [1.0, 2.0, 2.0, 3.0]
    for score, expected in ((0.5, 1.0), (1.0, 1.0), (2.0, 0.8), (2.5, 0.4), (9.0, 0.2)):
        assert conformal_p(sum(value < score for value in healthy), len(healthy)) == pytest.approx(expected)


@pytest.mark.parametrize(("below", "healthy"), [(0, 0), (-1, 4), (5, 4)])
def test_wrong_counts_are_said(below: int, healthy: int) -> None:
    with pytest.raises(ValueError, match=f"got {below} of {healthy}"):
        conformal_p(below, healthy)


def test_a_case_has_the_smallest_of_its_regions_times_their_number() -> None:
    assert case_p(details((168, 168), (84, 168), (10, 54))) == pytest.approx(3 / 169, abs=1e-6)
    assert case_p(details((None, None), (84, 168))) == pytest.approx(85 / 169, abs=1e-6)
    assert case_p(details((0, 168), (0, 168))) == 1
    assert case_p(details((None, None))) is case_p({}) is None


def test_q_values_are_those_of_the_procedure_step_by_step() -> None:
    p_values = [0.01, None, 0.04, 0.03, 0.9, 0.04]
    known = sorted(value for value in p_values if value is not None)
    slow = {
        value: min(len(known) * known[rank] / (rank + 1) for rank in range(known.index(value), len(known)))
        for value in known
    }
    found = q_values(p_values)
    assert found[1] is None
    for p, q in zip(p_values, found, strict=True):
        assert p is None or q == pytest.approx(min(1.0, slow[p]), abs=1e-6)
    assert q_values([]) == []
    assert q_values([None]) == [None]


def test_the_share_of_healthy_cases_in_a_worklist_is_at_most_that_asked_for() -> None:
    rng, shares = np.random.default_rng(0), []
    for _ in range(200):
        healthy = np.sort(rng.normal(size=400))
        scores = np.concatenate([rng.normal(size=80), rng.normal(5, 1, size=20)])
        q = q_values([conformal_p(int((healthy < score).sum()), 400) for score in scores])
        listed = [place for place, value in enumerate(q) if value is not None and value <= 0.2]
        shares.append(sum(place < 80 for place in listed) / max(1, len(listed)))
    assert 0.05 < np.mean(shares) <= 0.2
    assert all(0 <= one <= 1 for one in itertools.islice(shares, 5))
