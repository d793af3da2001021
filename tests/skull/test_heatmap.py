from __future__ import annotations

import numpy as np
from shell_skull import INNER_MM, OUTER_MM, bored, grid, shell, slanted, unit, usual

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.atlas import atlas
from scripts.skull.heatmap import on_scan
from scripts.skull.surface import fine_surface

OUT = unit(0.5, -0.4, 0.7)


def test_bone_in_the_direction_of_a_place_has_its_value_and_nothing_else_has() -> None:
    tables, hu = atlas(), shell().astype(np.float32)
    affine, points = grid()
    hu[np.linalg.norm(points, axis=-1) < 20] = 900
    values = (tables.fine @ OUT > np.cos(10 / OUTER_MM)).astype(float)
    surface = fine_surface(usual(), tables)
    found = on_scan(values, hu, affine, slanted(), surface, tables)
    radius = np.linalg.norm(points, axis=-1)
    away = OUTER_MM * np.arccos(np.clip(points @ OUT / radius, -1, 1))
    bone = (hu >= 300) & (radius > INNER_MM - 1)
    assert (found[bone & (away < 9)] == 1).all()
    assert (found[(away > 11) | ~bone] == 0).all()
    np.testing.assert_allclose(surface.points_mm.mean(axis=0)[0], CENTRE_MM[0], atol=0.1)


def test_a_hole_has_no_value() -> None:
    tables, surface = atlas(), fine_surface(usual(), atlas())
    found = on_scan(np.ones(len(tables.fine)), bored(shell(), OUT, 20), grid()[0], slanted(), surface, tables)
    points = grid()[1]
    away = OUTER_MM * np.arccos(np.clip(points @ OUT / np.linalg.norm(points, axis=-1), -1, 1))
    assert found[away < 9].max() == 0
    assert found.max() == 1
