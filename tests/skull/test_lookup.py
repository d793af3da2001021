from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from scripts.skull.directions import RADIUS_MM, calvaria, moved
from scripts.skull.lookup import disc, gaussian, lookup, mean, project, unproject

PLACES = calvaria(8.0)


def test_projection_is_undone_and_keeps_areas() -> None:
    u, v = project(PLACES)
    np.testing.assert_allclose(unproject(u, v), PLACES, atol=1e-12)
    cap = RADIUS_MM**2 * 2 * np.pi * (1 - np.cos(1.2))
    rim_u, _ = project(np.array([[np.sin(1.2), 0, np.cos(1.2)]]))
    np.testing.assert_allclose(np.pi * rim_u**2, cap)


def test_lookup_finds_the_nearest_place_and_none_far_away() -> None:
    find = lookup(PLACES, 8.0)
    there = moved(PLACES, 30, 2.0)
    expected = cKDTree(PLACES).query(there)[1]
    distance = np.linalg.norm(PLACES[find(there).clip(max=len(PLACES) - 1)] - there, axis=1)
    best = np.linalg.norm(PLACES[expected] - there, axis=1)
    assert (distance - best).max() * RADIUS_MM < 1
    assert find(np.array([[0, 0, -1.0], [0, 0.8, -0.6]])).tolist() == [len(PLACES)] * 2


def test_gaussian_means_follow_the_slow_sum() -> None:
    values = np.random.default_rng(0).random(len(PLACES))
    known = values > 0.2
    found = mean(gaussian(PLACES, PLACES[:5], 10.0), values, known)
    for place, value in zip(PLACES[:5], found, strict=True):
        away = np.linalg.norm(PLACES - place, axis=1) * RADIUS_MM
        weights = np.exp(-0.5 * (away / 10) ** 2) * (away <= 25) * known
        np.testing.assert_allclose(value, (weights * values).sum() / weights.sum(), rtol=1e-5)
    assert np.isnan(mean(gaussian(PLACES, PLACES[:1], 10.0), values, np.zeros(len(PLACES), bool)))[0]


def test_disc_lists_the_neighbours_within_reach() -> None:
    table = disc(PLACES, 12.0)
    for place in (0, 7, len(PLACES) - 1):
        away = np.linalg.norm(PLACES - PLACES[place], axis=1) * RADIUS_MM
        assert {*table[place]} - {len(PLACES)} == {*np.flatnonzero(away <= 12)}
