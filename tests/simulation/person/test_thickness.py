"""Thickness: the range of the calvaria's thickness, and that nothing but the calvaria gets thicker."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.anatomy.shell import calvaria, no_change
from scripts.simulation.person.thickness import THICKNESS, Thickness, draw_thickness, thickness_change


def test_half_of_the_skulls_are_thicker_than_the_middle_of_the_range() -> None:
    means = np.array([draw_thickness(np.random.default_rng(seed)).mean for seed in range(300)])
    assert THICKNESS[0] <= means.min() < 0.75
    assert 1.4 < means.max() <= THICKNESS[1]
    assert (means > np.sqrt(THICKNESS[0] * THICKNESS[1])).mean() == pytest.approx(0.5, abs=0.1)


def test_other_bounds_can_be_asked_for() -> None:
    assert draw_thickness(np.random.default_rng(0), (0.4, 0.5)).mean <= 0.5


def test_the_calvaria_gets_thicker_unevenly_and_the_rest_stays() -> None:
    change = thickness_change(no_change(), Thickness(1.4, 0.1), np.random.default_rng(0))
    over = calvaria() == 1
    assert change.bone[over].mean() == pytest.approx(1.4, abs=0.1)
    assert 0.05 < change.bone[over].std() < 0.25
    np.testing.assert_array_equal(change.bone[calvaria() == 0], 1)
    plain = thickness_change(no_change(), Thickness(), np.random.default_rng(0))
    np.testing.assert_allclose(plain.bone, 1)
