"""Slices that are displaced in their plane are told from those that lie still."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.atlas import atlas
from scripts.skull.directions import Array
from scripts.skull.motion import MOVED_MM, motion_mm, slab_shifts

RADIUS_MM = 80.0
NORMAL = np.array([0.0, np.sin(0.2), np.cos(0.2)])
ACROSS = np.array([0.6, 0.8 * np.cos(0.2), -0.8 * np.sin(0.2)])
"""A unit vector in the plane of the slices."""


ONE, TWO = ((20.0, 45.0),), ((20.0, 30.0), (40.0, 50.0))
"""Runs of heights, mm."""


def table(shift_mm: float, runs_mm: tuple[tuple[float, float], ...] = ONE, noise_mm: float = 0.3) -> Array:
    """Outermost radii of a sphere whose slices are shifted in runs of heights, with noise and far outliers."""
    places = atlas().coarse
    rng = np.random.default_rng(3)
    heights = RADIUS_MM * (places @ NORMAL)
    moved = np.any([(heights > low) & (heights < high) for low, high in runs_mm], axis=0)
    radii = RADIUS_MM + shift_mm * moved * (places @ ACROSS) + rng.normal(0, noise_mm, len(places))
    radii[::50] -= 5
    radii[::41] = np.nan
    return np.asarray(radii)


def still() -> Array:
    return np.full(len(atlas().coarse), RADIUS_MM)


def test_the_shift_of_a_slab_is_that_of_its_slices() -> None:
    shifts = slab_shifts(table(2.0), still(), NORMAL, 3.0, atlas())
    lengths = np.linalg.norm(shifts, axis=1)
    heights = 3.0 * np.arange(len(shifts))
    lowest = np.floor((RADIUS_MM * atlas().coarse + np.array(CENTRE_MM)) @ NORMAL / 3.0).min() * 3.0
    middle = lowest + heights + 1.5 - np.array(CENTRE_MM) @ NORMAL
    inside, outside = (middle > 23) & (middle < 42), (middle < 17) | (middle > 48)
    np.testing.assert_allclose(lengths[inside], 2.0, atol=0.3)
    assert np.nanmax(lengths[outside]) < 0.3
    assert np.isnan(shifts[0]).all(), "the slab at the skull base has too few places that count"


@pytest.mark.parametrize("slices_mm", [1.0, 3.0, 5.0])
def test_displaced_runs_are_motion_and_stillness_is_none(slices_mm: float) -> None:
    assert motion_mm(table(1.5, TWO), still(), NORMAL, slices_mm, atlas()) > MOVED_MM
    assert motion_mm(table(0.0), still(), NORMAL, slices_mm, atlas()) < 0.6 * MOVED_MM


def test_a_dent_and_a_missing_flap_are_no_motion() -> None:
    away = RADIUS_MM * np.arccos(np.clip(atlas().coarse @ (0.8, 0.0, 0.6), -1, 1))
    dent = table(0.0) - 8 * np.clip(1 - (away / 18) ** 4, 0, None)
    assert motion_mm(dent, still(), NORMAL, 1.0, atlas()) < MOVED_MM
    flap = np.where(away < 35, np.nan, table(0.0))
    assert motion_mm(flap, still(), NORMAL, 1.0, atlas()) < MOVED_MM


def test_where_too_little_is_known_there_is_none() -> None:
    nothing = np.full(len(atlas().coarse), np.nan)
    assert motion_mm(nothing, still(), NORMAL, 1.0, atlas()) == 0
