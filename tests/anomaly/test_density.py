"""Density at places: brain only, without bone and its rim."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.anomaly.density import density_at_places
from scripts.volume import AIR_HU


def test_density_is_the_mean_of_brain_and_knows_no_bone() -> None:
    blocks = np.full((127, 127, 127), AIR_HU, np.int16)
    blocks[30:98, 30:98, 30:98] = 1200
    blocks[34:94, 34:94, 34:94] = 33
    blocks[60:68, 60:68, 60:68] = 63
    regions = np.zeros((64, 64, 64), np.uint8)
    regions[17:32, 17:47, 17:47], regions[32:47, 17:47, 17:47] = 1, 2
    found = density_at_places(blocks, regions)
    assert (np.isfinite(found) <= (regions > 0)).all()
    assert found[18, 30, 30] == pytest.approx(33, abs=0.1), "beside bone"
    assert 45 < found[32, 32, 32] < 63
    assert found[22, 22, 22] == pytest.approx(33, abs=0.01)
