"""Where the benchmark of children looks for sutures."""

from __future__ import annotations

import numpy as np
from children import NEAR_MM, near_sutures

from scripts.skull.bones import AT
from scripts.skull.directions import RADIUS_MM, calvaria, mirrored


def test_places_near_sutures_are_bands_on_both_sides() -> None:
    """The landmarks are in them, the middle of each parietal bone is not; left mirrors right."""
    places = calvaria(4.0)
    near = near_sutures(places)
    np.testing.assert_array_equal(near, mirrored(near))
    assert near_sutures(np.stack([AT["bregma"], AT["lambda"], AT["pterion"] * (-1, 1, 1)])).all()
    assert not near_sutures(np.array([[0.8, -0.1, 0.6], [-0.8, -0.1, 0.6]])).any()
    band_mm2, area_mm2 = near.mean() * 2 * np.pi * RADIUS_MM**2, 5 * RADIUS_MM * 2 * NEAR_MM
    assert 0.5 < band_mm2 / area_mm2 < 1.5
