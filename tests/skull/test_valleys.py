from __future__ import annotations

import numpy as np

from scripts.skull.atlas import atlas
from scripts.skull.directions import LINES, RADIUS_MM
from scripts.skull.gaps import Gaps
from scripts.skull.valleys import LEAST_NOISE, local_noise, valleys


def ridge() -> tuple[Gaps, np.ndarray]:
    """A gap of 1 mm along the x axis through the vertex, and the distance from it."""
    fine = atlas().fine
    aside = np.abs(np.arcsin(fine[:, 1])) * RADIUS_MM
    return Gaps(np.where(aside < 0.8, 0.5, 0.0), np.ones(len(fine), bool)), aside


def test_a_line_is_a_valley_along_and_none_across() -> None:
    gaps, aside = ridge()
    found = valleys(gaps, atlas().narrow)
    on = (aside < 0.4) & (np.abs(atlas().fine[:, 0]) < 0.3)
    assert found[0, on].min() > 0.45
    assert found[LINES // 2, on].max() < 0.05
    assert found[:, aside > 4].max() == 0


def test_the_border_of_a_defect_is_no_valley() -> None:
    fine = atlas().fine
    defect = fine[:, 1] > 0.1
    found = valleys(Gaps(np.where(defect, 1.0, 0.0), ~defect), atlas().narrow)
    assert found.max() == 0


def test_a_line_does_not_raise_its_own_noise() -> None:
    gaps, aside = ridge()
    rough = np.random.default_rng(0).normal(0, 0.05, len(aside))
    noise = [
        local_noise(valleys(one, atlas().narrow), one, atlas())
        for one in (Gaps(rough, gaps.bone), Gaps(rough + gaps.gap, gaps.bone))
    ]
    on = (aside < 1) & (atlas().fine[:, 2] > 0.3)
    assert np.median(noise[1][on] / noise[0][on]) < 1.4
    quiet = Gaps(np.zeros(len(aside)), gaps.bone)
    assert (local_noise(valleys(quiet, atlas().narrow), quiet, atlas()) == LEAST_NOISE).all()
