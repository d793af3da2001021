"""P and q values of cases: by counting, and that a worklist of simulated cases has the rate that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.cohort.worklist import case_p, q_values
from scripts.statistics.conformal import conformal_p


def details(*pairs: tuple[int | None, int | None]) -> dict[str, dict[str, int | None]]:
    names = ("left_hemisphere", "right_hemisphere", "skull")
    return {n: {"healthy_below": b, "healthy_scores": h} for n, (b, h) in zip(names, pairs, strict=False)}


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
        q = q_values(conformal_p(scores, healthy).tolist())
        listed = [place for place, value in enumerate(q) if value is not None and value <= 0.2]
        shares.append(sum(place < 80 for place in listed) / max(1, len(listed)))
    assert 0.05 < np.mean(shares) <= 0.2
