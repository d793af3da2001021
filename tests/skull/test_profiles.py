from __future__ import annotations

import numpy as np
import pytest
from shell_skull import BONE, INNER_MM, OUTER_MM, grid, shell, slanted, usual

from scripts.skull.atlas import atlas
from scripts.skull.profiles import FROM_HU, profiles
from scripts.skull.rays import view
from scripts.skull.surface import fine_surface

pytestmark = pytest.mark.xdist_group("shell_skull")


def test_the_mass_is_thickness_times_hu_and_the_neck_is_out_of_view() -> None:
    hu = shell().astype(np.float32)
    hu[:, :, :30] = -2000
    found = profiles(view(hu, grid()[0], slanted()), fine_surface(usual(), atlas()))
    middle = atlas().fine[:, 2] > 0.2
    assert found.known[middle].all()
    assert not found.known[atlas().fine[:, 2] < -0.4].any()
    expected = (OUTER_MM - INNER_MM) * (BONE - FROM_HU)
    assert np.median(found.mass[middle]) == pytest.approx(expected, rel=0.04)
    assert found.mass[middle].std() < 0.03 * expected
