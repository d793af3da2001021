from __future__ import annotations

import numpy as np
import pytest
from shell_skull import OUTER_MM, cut, grid, shell, slanted, unit

from scripts.skull.atlas import atlas
from scripts.skull.directions import mirrored
from scripts.skull.mean_surface import NoBone, mean_surface
from scripts.skull.rays import view

pytestmark = pytest.mark.xdist_group("shell_skull")


def test_the_mean_surface_of_shells_is_their_radius_and_one_with_a_gap_hardly_moves_it() -> None:
    plain = view(shell().astype(np.float32), grid()[0], slanted())
    gap = view(cut(shell(), unit(0.6, 0.3, 0.75), unit(-0.3, 0.9, 0.1), 60, 8).astype(np.float32), grid()[0], slanted())
    radii = mean_surface(iter([plain, gap, plain]))
    assert radii.shape == (len(atlas().coarse),)
    np.testing.assert_allclose(radii, OUTER_MM, atol=0.5)
    np.testing.assert_array_equal(radii, mirrored(radii))


def test_a_place_without_bone_in_every_head_is_an_error() -> None:
    hu = shell().astype(np.float32)
    hu[:, :, 100:] = -2000
    with pytest.raises(NoBone, match="no head has bone"):
        mean_surface([view(hu, grid()[0], slanted())])
