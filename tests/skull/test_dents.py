from __future__ import annotations

import numpy as np

from scripts.skull.atlas import atlas
from scripts.skull.dents import dents
from scripts.skull.directions import RADIUS_MM

TRUE_MM = 80.0


def test_a_dent_has_its_depth_and_the_rest_has_none() -> None:
    tables = atlas()
    away = RADIUS_MM * np.arccos(np.clip(tables.coarse @ (0.6, 0, 0.8), -1, 1))
    usual = np.full(len(away), TRUE_MM)
    outer = 1.05 * usual - 7 * np.clip(1 - (away / 18) ** 4, 0, None)
    found = dents(outer, usual, tables)
    assert away[found.argmax()] < 4
    assert 6 < found.max() < 7.3
    assert found[away > 40].max() < 0.2


def test_missing_rays_and_far_bones_are_no_dents() -> None:
    tables = atlas()
    usual = np.full(len(tables.coarse), TRUE_MM)
    outer = usual.copy()
    outer[::9] = np.nan
    outer[5::50] = 45
    assert dents(outer, usual, tables).max() < 0.2
