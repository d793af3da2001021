from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from scripts.skull.directions import LINES, RADIUS_MM, above_base, calvaria, frames, mirrored, mirrored_lines, moved

PLACES = calvaria(3.2)
MIRROR = np.array([-1, 1, 1])


def test_places_are_unit_vectors_evenly_spaced_above_the_base() -> None:
    np.testing.assert_allclose(np.linalg.norm(PLACES, axis=1), 1)
    apart = cKDTree(PLACES).query(PLACES, 2)[0][:, 1] * RADIUS_MM
    inner = np.abs(PLACES[:, 0]) * RADIUS_MM > 4
    assert 2.2 < apart[inner].min() < apart[inner].max() < 4
    assert above_base(PLACES).all()
    forehead, occiput = (np.array([[0, np.cos(e), np.sin(e)]]) for e in np.deg2rad((5, 180 + 29)))
    assert not above_base(forehead)[0]
    assert above_base(occiput)[0]


def test_each_place_has_its_exact_mirror_image_half_the_places_on() -> None:
    half = len(PLACES) // 2
    np.testing.assert_array_equal(PLACES[half:], PLACES[:half] * MIRROR)
    np.testing.assert_array_equal(mirrored(PLACES.T).T, PLACES * MIRROR)


def test_frames_are_orthonormal_and_tangent() -> None:
    first, second = frames(PLACES)
    for one, other, product in ((first, first, 1), (second, second, 1), (first, second, 0), (first, PLACES, 0)):
        np.testing.assert_allclose((one * other).sum(axis=1), product, atol=1e-12)


@pytest.mark.parametrize("heading_deg", [0.0, 45.0, 150.0, 300.0])
def test_moved_goes_the_distance_and_a_mirrored_heading_leads_to_the_mirror_image(heading_deg: float) -> None:
    there = moved(PLACES, heading_deg, 5)
    np.testing.assert_allclose(RADIUS_MM * np.arccos((there * PLACES).sum(axis=1)), 5)
    np.testing.assert_allclose(moved(PLACES * MIRROR, 180 - heading_deg, 5), there * MIRROR, atol=1e-12)


def test_mirrored_lines_exchange_places_and_angles() -> None:
    values = np.random.default_rng(0).random((LINES, len(PLACES)))
    found = mirrored_lines(values)
    half = len(PLACES) // 2
    for line in range(LINES):
        np.testing.assert_array_equal(found[line, :half], values[(LINES - line) % LINES, half:])
    np.testing.assert_array_equal(mirrored_lines(found), values)
