"""Looks: every variant occurs about as often as its share says, and a seed fixes which."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.person import look
from scripts.simulation.person.look import Look, draw_look

COUNT = 1500
LOOKS = [draw_look(np.random.default_rng(seed)) for seed in range(COUNT)]


@pytest.mark.parametrize("place", look.CALCIUM_SHARES)
def test_calcium_is_as_frequent_as_its_share(place: str) -> None:
    assert np.mean([place in one.calcified for one in LOOKS]) == pytest.approx(look.CALCIUM_SHARES[place], abs=0.04)


def test_contrast_and_atrophy_are_as_frequent_as_their_shares() -> None:
    enhanced = [one.contrast_hu for one in LOOKS if one.contrast_hu]
    assert len(enhanced) / COUNT == pytest.approx(look.CONTRAST_SHARE, abs=0.03)
    assert min(enhanced) >= look.CONTRAST_HU[0]
    assert max(enhanced) <= look.CONTRAST_HU[1]
    wide = [one for one in LOOKS if one.sulci]
    assert len(wide) / COUNT == pytest.approx(look.ATROPHY_SHARE, abs=0.04)
    assert {one.ventricles for one in wide} == set(range(look.WIDEST_VENTRICLES + 1))
    assert 0.3 < np.mean([one.sulci == 1 for one in wide]) < 0.7


def test_bone_and_dura_vary_from_scan_to_scan() -> None:
    density = np.array([one.bone_density for one in LOOKS])
    assert density.mean() == pytest.approx(look.BONE_DENSITY, abs=0.01)
    assert 0.05 < density.std() < 0.15
    dura = [one.dura_hu for one in LOOKS]
    assert look.DURA_HU[0] <= min(dura) < max(dura) <= look.DURA_HU[1]


def test_a_seed_fixes_the_look_and_the_default_is_plain() -> None:
    assert draw_look(np.random.default_rng(3)) == LOOKS[3] != LOOKS[4]
    assert Look() == Look(0.0, (), 1.0, 0.0, 0, 0.0)
