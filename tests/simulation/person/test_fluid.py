"""Fluid over the lobes: how often, how wide, where, and on which side."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.anatomy.shell import direction, directions, no_change
from scripts.simulation.person import fluid
from scripts.simulation.person.fluid import Fluid, draw_fluid, fluid_change

FLUIDS = [draw_fluid(np.random.default_rng(seed)) for seed in range(800)]


def test_fluid_is_as_frequent_and_as_wide_as_it_should_be() -> None:
    for widths, share, bounds in (
        ([one.frontal_mm for one in FLUIDS], fluid.FRONTAL_SHARE, fluid.FRONTAL_MM),
        ([one.temporal_mm for one in FLUIDS], fluid.TEMPORAL_SHARE, fluid.TEMPORAL_MM),
    ):
        wide = np.array([pair for pair in widths if any(pair)])
        assert len(wide) / len(FLUIDS) == pytest.approx(share, abs=0.05)
        assert wide.max() <= bounds[1]
        assert (np.abs(wide[:, 0] - wide[:, 1]) > 0.5).mean() > 0.3


def test_one_ventricle_is_wider_in_its_share_of_heads_and_it_is_as_often_the_left() -> None:
    wider = np.array([one.ventricles for one in FLUIDS if any(one.ventricles)])
    assert len(wider) / len(FLUIDS) == pytest.approx(fluid.WIDER_SHARE, abs=0.05)
    assert (wider.min(axis=1) == 0).all()
    assert (wider[:, 0] > 0).mean() == pytest.approx(0.5, abs=0.12)


def test_fluid_lies_over_its_lobe_on_its_side() -> None:
    change = fluid_change(no_change(), Fluid(frontal_mm=(6.0, 2.0)))
    peak = directions()[np.unravel_index(change.fluid.argmax(), change.fluid.shape)]
    assert change.fluid.max() == pytest.approx(6, abs=0.1)
    assert peak @ direction(70, -2) > 0.99
    mirrored = fluid_change(no_change(), Fluid(frontal_mm=(2.0, 6.0)))
    image = (90 - np.arange(180)) % 180
    np.testing.assert_allclose(mirrored.fluid[image], change.fluid, atol=1e-9)
    np.testing.assert_array_equal(fluid_change(no_change(), Fluid()).fluid, 0)
