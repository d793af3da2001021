"""A fracture into the skull base: one line that begins on the calvaria and ends far below it."""

from __future__ import annotations

import numpy as np
import pytest
from broken_head import BONE, broken, places_mm
from scipy import ndimage
from toy_head import INNER_MM, OUTER_MM

from scripts.simulation.lesions import basal
from scripts.simulation.lesions.cuts import LOWEST_ELEVATION_DEG


@pytest.mark.parametrize("seed", range(6))
def test_it_is_one_line_from_the_calvaria_to_the_base(seed: int) -> None:
    """It reaches above the lowest elevation of a fracture of the calvaria, and tens of degrees below it."""
    cut = broken("basal_fracture", seed, width_mm=3.0).mask == 1
    assert BONE[cut].all()
    assert ndimage.label(cut, np.ones((3, 3, 3)))[1] == 1
    places = places_mm(cut)
    elevation = np.rad2deg(np.arcsin(places[:, 2] / np.linalg.norm(places, axis=1)))
    assert elevation.max() > LOWEST_ELEVATION_DEG + basal.ELEVATION_DEG[0]
    assert elevation.min() < LOWEST_ELEVATION_DEG - 15
    assert np.linalg.norm(places / INNER_MM, axis=1).min() < 1.04
    assert np.linalg.norm(places / OUTER_MM, axis=1).max() > 0.96


def test_bone_far_from_the_brain_does_not_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reach below the thickness of the bone, the outer table stays whole: so do face and jaw."""
    monkeypatch.setattr(basal, "BASE_MM", 1.0)
    places = places_mm(broken("basal_fracture", 0, width_mm=3.0).mask)
    assert np.linalg.norm(places / OUTER_MM, axis=1).max() < 0.96
