from __future__ import annotations

import numpy as np
import pytest

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.atlas import atlas
from scripts.skull.holes import holes
from scripts.skull.profiles import Profiles
from scripts.skull.surface import fine_surface

SIZE_MM = 76.0


def test_holes_have_their_sizes_the_largest_first_and_small_ones_are_none() -> None:
    tables = atlas()
    mass, known = np.full(len(tables.fine), 6000.0), np.ones(len(tables.fine), bool)
    wanted = {(0.0, 0.6, 0.8): 13.0, (0.8, 0.0, 0.6): 50.0, (-0.6, 0.0, 0.8): 4.0}
    for out, diameter in wanted.items():
        mass[SIZE_MM * np.arccos(np.clip(tables.fine @ out, -1, 1)) < diameter / 2] = 0
    known[tables.fine @ (0, -0.8, 0.6) > 0.95] = False
    mass[~known] = 0
    surface = fine_surface(np.full(len(tables.coarse), SIZE_MM), tables)
    found = holes(Profiles(mass, known), surface, tables)
    assert [hole.diameter_mm for hole in found] == [pytest.approx(50, abs=1.5), pytest.approx(13, abs=1)]
    wide = [np.sqrt((1 + out[2]) / 2) * wanted[out] for out in ((0.8, 0.0, 0.6), (0.0, 0.6, 0.8))]
    assert [hole.width_mm for hole in found] == [pytest.approx(width, abs=2.5) for width in wide]
    middle = found[1].middle_mm - np.array(CENTRE_MM)
    assert np.linalg.norm(middle - SIZE_MM * np.array([0, 0.6, 0.8])) < 2
    assert (mass[found[0].places] == 0).all()


def test_a_slit_is_no_burr_hole() -> None:
    tables = atlas()
    surface = fine_surface(np.full(len(tables.coarse), SIZE_MM), tables)
    mass, out, along = np.full(len(tables.fine), 6000.0), np.array([0.8, 0.0, 0.6]), np.array([0.0, 1.0, 0.0])
    aside, run = SIZE_MM * np.abs(tables.fine @ np.cross(out, along)), SIZE_MM * np.abs(tables.fine @ along)
    mass[(aside < 1.7) & (run < 30) & (tables.fine @ out > 0)] = 0
    (hole,) = holes(Profiles(mass, np.ones(len(mass), bool)), surface, tables)
    assert hole.diameter_mm > 12
    assert hole.width_mm < 4
    assert not hole.noted
    assert hole._replace(width_mm=9.0).noted


def test_a_hole_in_thin_bone_is_not_noted_unless_it_is_large() -> None:
    tables = atlas()
    surface = fine_surface(np.full(len(tables.coarse), SIZE_MM), tables)

    def found(diameter_mm: float, rim: float) -> bool:
        mass = np.full(len(tables.fine), 6000.0)
        away = SIZE_MM * np.arccos(np.clip(tables.fine @ (0.8, 0.0, 0.6), -1, 1))
        mass[away < diameter_mm / 2 + 8] = 6000 * rim
        mass[away < diameter_mm / 2] = 0
        (hole,) = holes(Profiles(mass, np.ones(len(mass), bool)), surface, tables)
        assert hole.rim == pytest.approx(rim, abs=0.05)
        return hole.noted

    assert found(12, 1.0)
    assert not found(12, 0.2)
    assert not found(7, 1.0)
    assert found(40, 0.2)
