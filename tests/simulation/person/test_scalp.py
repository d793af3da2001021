"""Scalps: swellings on one side, unevenness within its bounds, and what a swelling looks like."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.anatomy import labels as names
from scripts.simulation.anatomy.shell import calvaria, no_change
from scripts.simulation.person import scalp
from scripts.simulation.person.scalp import Scalp, draw_scalp, paint_swelling, scalp_change

SCALPS = [draw_scalp(np.random.default_rng(seed)) for seed in range(800)]


def test_swellings_are_as_frequent_and_as_thick_as_they_should_be() -> None:
    thick = [one.swelling_mm for one in SCALPS if one.swelling_mm]
    assert len(thick) / len(SCALPS) == pytest.approx(scalp.SWELLING_SHARE, abs=0.05)
    assert scalp.SWELLING_MM[0] <= min(thick) < max(thick) <= scalp.SWELLING_MM[1]
    bright = np.array([one.swelling_hu for one in SCALPS])
    assert (bright > 38).mean() == pytest.approx(scalp.BLOOD_SHARE, abs=0.06)
    assert draw_scalp(np.random.default_rng(5)) == SCALPS[5]


def test_the_default_changes_nothing() -> None:
    change = scalp_change(no_change(), Scalp(), np.random.default_rng(0))
    np.testing.assert_array_equal(change.scalp, 1)
    np.testing.assert_array_equal(change.swelling, 0)


def test_a_swelling_lies_on_its_side_and_is_as_thick_as_asked() -> None:
    change = scalp_change(no_change(), Scalp(swelling_mm=12.0, swelling_at_deg=(180.0, 40.0, 15.0)), rng())
    assert change.swelling.max() == pytest.approx(12, abs=2.5)
    left, right = change.swelling[45:135].sum(), change.swelling[:45].sum() + change.swelling[135:].sum()
    assert left > 20 * right
    assert (change.swelling[calvaria() == 0] == 0).all()


def test_the_scalp_is_uneven_over_the_calvaria_only_and_muscles_differ() -> None:
    change = scalp_change(no_change(), Scalp(unevenness=0.2), rng())
    over = calvaria() == 1
    assert change.scalp[over].std() == pytest.approx(0.2, abs=0.06)
    assert change.scalp.min() >= scalp.THINNEST
    np.testing.assert_array_equal(change.scalp[calvaria() == 0], 1)
    muscles = scalp_change(no_change(), Scalp(muscles=(0.4, -0.4)), rng())
    assert muscles.scalp[5, 50] > 1.2
    assert muscles.scalp[84, 50] < 0.8


def test_a_swelling_gets_its_density_and_nothing_else_does() -> None:
    labels = np.full((30, 30, 30), names.SKIN, dtype=np.int16)
    labels[5:25, 8:20, 8:20] = names.SWELLING
    hu = np.zeros(labels.shape, dtype=np.float32)
    paint_swelling(hu, labels, 55.0, rng())
    inside = labels == names.SWELLING
    assert hu[inside].mean() == pytest.approx(55, abs=4)
    assert 2 < hu[inside].std() < 10
    assert (hu[~inside] == 0).all()
    paint_swelling(hu, np.zeros_like(labels), 90.0, rng())
    assert hu.max() < 90


def rng() -> np.random.Generator:
    return np.random.default_rng(2)
