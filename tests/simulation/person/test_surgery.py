"""Surgery: flaps and burr holes are as large as they say, where they say, and nothing is missing elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.anatomy.shell import AZIMUTHS, ELEVATIONS, Shell, direction, directions, no_change
from scripts.simulation.person import surgery
from scripts.simulation.person.surgery import Surgery, draw_burr_holes, draw_craniectomy, surgery_change

FLAT = np.ones((AZIMUTHS, ELEVATIONS))
BALL = Shell(np.zeros(3), 78 * FLAT, 85 * FLAT, 92 * FLAT)


def area_mm2(missing: np.ndarray) -> float:
    """Area of a table's true directions on a ball of 85 mm."""
    weight = np.cos(np.deg2rad(2 * np.arange(ELEVATIONS) - 90.0)) * np.deg2rad(2) ** 2
    return float((missing * weight).sum() * 85**2)


def test_a_flap_has_its_size_and_place_and_the_brain_beneath_bulges() -> None:
    made = Surgery((20.0, 40.0), (36.0, 28.0), 9.0)
    change = surgery_change(no_change(), made, BALL, np.random.default_rng(0))
    expected = np.pi * (85 * np.deg2rad(36)) * (85 * np.deg2rad(28))
    assert area_mm2(change.missing) == pytest.approx(expected, rel=0.15)
    middle = np.unravel_index((directions() @ direction(20, 40)).argmax(), change.missing.shape)
    assert change.missing[middle]
    assert change.bulge[middle] == pytest.approx(9, abs=0.2)
    assert (change.bulge[~change.missing] == 0).all()


def test_burr_holes_are_round_and_as_wide_as_they_say() -> None:
    made = Surgery(holes=((70.0, 50.0, 7.0), (-60.0, 30.0, 6.0)))
    change = surgery_change(no_change(), made, BALL, np.random.default_rng(0))
    assert area_mm2(change.missing) == pytest.approx(np.pi * (49 + 36), rel=0.3)
    assert not change.bulge.any()


def test_nothing_is_missing_without_surgery() -> None:
    change = surgery_change(no_change(), Surgery(), BALL, np.random.default_rng(0))
    assert not change.missing.any()


def test_both_sides_are_operated_on_and_a_seed_fixes_it() -> None:
    flaps = [draw_craniectomy(np.random.default_rng(seed)) for seed in range(100)]
    left = np.mean([90 < flap.flap_at_deg[0] < 270 for flap in flaps])
    assert left == pytest.approx(0.5, abs=0.15)
    assert min(flap.bulge_mm for flap in flaps) < -8 < 8 < max(flap.bulge_mm for flap in flaps)
    holes = [draw_burr_holes(np.random.default_rng(seed)) for seed in range(100)]
    assert {len(one.holes) for one in holes} == {1, 2, 3}
    radii = [radius for one in holes for _, _, radius in one.holes]
    assert surgery.HOLE_MM[0] <= min(radii) < max(radii) <= surgery.HOLE_MM[1]
    assert draw_burr_holes(np.random.default_rng(2)) == holes[2]
