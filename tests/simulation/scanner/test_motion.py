"""Motion: which slices move, how far, and what a ghost is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scripts.simulation.scanner.motion import JITTER, move, moved

HEIGHTS = np.arange(40) * 2.5


def marked() -> np.ndarray:
    """Slices with a bright spot each."""
    hu = np.zeros((60, 70, 40), dtype=np.float32)
    hu[28:33, 33:38] = 100
    return hu


def test_an_image_is_shifted_and_turned_as_asked() -> None:
    image = np.zeros((61, 71), dtype=np.float32)
    image[40:43, 35:38] = 1
    shifted = moved(image, (2.0, -3.0), 0.0)
    assert ndimage.center_of_mass(shifted) == pytest.approx((43, 33), abs=1e-3)
    turned = moved(image, (0.0, 0.0), 90.0)
    assert ndimage.center_of_mass(turned) == pytest.approx((29, 46), abs=0.05)


def test_slices_of_one_run_move_by_no_more_than_asked() -> None:
    for seed in range(6):
        hu = marked()
        move(hu, HEIGHTS, 0.5, 3.0, 0.0, np.random.default_rng(seed))
        centres = np.array([ndimage.center_of_mass(hu[:, :, k]) for k in range(40)]) - (30, 35)
        away_mm = 0.5 * np.abs(centres)
        shaken = np.flatnonzero(away_mm.max(axis=1) > 0.01)
        assert 5 <= len(shaken) <= 25
        assert away_mm.max() <= 3.05
        assert away_mm.max() > 3 * (1 - JITTER) * 0.2
        np.testing.assert_array_equal(shaken, np.arange(shaken[0], shaken[-1] + 1))


def test_a_ghost_is_a_weighted_second_image() -> None:
    whole, ghost = marked(), marked()
    move(whole, HEIGHTS, 0.5, 3.0, 0.0, np.random.default_rng(0))
    move(ghost, HEIGHTS, 0.5, 3.0, 0.3, np.random.default_rng(0))
    np.testing.assert_allclose(ghost, 0.3 * whole + 0.7 * marked(), atol=1e-4)
