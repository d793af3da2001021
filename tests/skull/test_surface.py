from __future__ import annotations

import numpy as np
import pytest

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.atlas import atlas
from scripts.skull.surface import fine_surface, own_radii

AXES_MM = np.array([72.0, 92.0, 80.0])


def ellipsoid(directions: np.ndarray) -> np.ndarray:
    return np.asarray(1 / np.linalg.norm(directions / AXES_MM, axis=1))


def test_outliers_and_missing_rays_do_not_change_the_surface() -> None:
    tables, rng = atlas(), np.random.default_rng(0)
    truth = ellipsoid(tables.coarse)
    outer = truth + rng.normal(0, 0.3, len(truth))
    outer[rng.random(len(outer)) < 0.05] += 8
    outer[rng.random(len(outer)) < 0.1] = np.nan
    found = own_radii(outer, truth, tables)
    assert np.abs(found - truth).max() < 0.5


def test_a_larger_head_scales_the_usual_surface() -> None:
    tables = atlas()
    truth = ellipsoid(tables.coarse)
    np.testing.assert_allclose(own_radii(1.1 * truth, truth, tables), 1.1 * truth, rtol=1e-6)


def test_normals_are_those_of_the_ellipsoid() -> None:
    tables = atlas()
    surface = fine_surface(ellipsoid(tables.coarse), tables)
    points = surface.points_mm - np.array(CENTRE_MM)
    truth = points / AXES_MM**2
    truth /= np.linalg.norm(truth, axis=1, keepdims=True)
    off = np.rad2deg(np.arccos(np.clip((truth * surface.normals).sum(axis=1), -1, 1)))
    assert np.percentile(off, 90) < 2.5
    assert off.max() < 8
    assert np.abs(np.linalg.norm(points, axis=1) - ellipsoid(tables.fine)).max() < 1


def test_a_scan_without_skull_is_an_error() -> None:
    tables = atlas()
    usual = ellipsoid(tables.coarse)
    with pytest.raises(ValueError, match="Bone was found in 0 % of the calvaria"):
        own_radii(np.full(len(usual), np.nan), usual, tables)
