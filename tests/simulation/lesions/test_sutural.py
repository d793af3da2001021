"""Fractures at sutures: one stays within its width of the suture, one passes from one side of it to the other."""

from __future__ import annotations

import numpy as np
import pytest
from broken_head import BONE, THICK_MM, broken, lost_mm3, places_mm
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree
from toy_head import CENTRE, OUTER_MM, SPACING_MM

from scripts.simulation.lesions import fractures, sutural

Array = NDArray[np.float64]
FRONT, BACK = 22.0, -40.0


def suture(y: float, side: float = 1.0) -> Array:
    """A toothed suture (n, 3) over one half of the outer table, about in the plane of that y, voxel positions."""
    angle = np.linspace(np.deg2rad(2), np.deg2rad(88), 400)
    flat = np.stack([side * np.cos(angle), (y + 1.5 * np.sin(np.arange(400) / 6)) / OUTER_MM[1], np.sin(angle)], axis=1)
    flat[:, ::2] *= np.sqrt(1 - flat[:, 1:2] ** 2)
    return np.asarray(flat * OUTER_MM / SPACING_MM + CENTRE)


SUTURES = {"front": suture(FRONT), "back": suture(BACK)}


def aside_mm(places: Array, points: Array) -> Array:
    """Distance (n,) of places from the line through points, both brought to a distance of 1 and back."""
    line = (points - CENTRE) * SPACING_MM
    away, _ = cKDTree(line / np.linalg.norm(line, axis=1, keepdims=True)).query(
        places / np.linalg.norm(places, axis=1, keepdims=True)
    )
    return np.asarray(away * np.linalg.norm(places, axis=1))


@pytest.mark.parametrize("seed", range(4))
def test_a_suture_gapes_along_its_own_course(seed: int) -> None:
    """Nothing else is cut than what lies half a gap and half a voxel from it, through bone, and as wide as asked."""
    found = broken("suture_fracture", seed, sutures={"front": SUTURES["front"]})
    places = places_mm(found.mask)
    assert BONE[found.mask == 1].all()
    assert aside_mm(places, SUTURES["front"]).max() < fractures.SUTURE_WIDTH_MM[1] / 2 + 1.2 * SPACING_MM
    length_mm = np.linalg.norm(np.ptp(places, axis=0))
    assert 0.7 * fractures.SUTURE_LENGTH_MM[0] < length_mm < 1.2 * fractures.SUTURE_LENGTH_MM[1]
    width_mm = lost_mm3(found) / length_mm / THICK_MM
    assert 0.5 * fractures.SUTURE_WIDTH_MM[0] < width_mm < 1.5 * fractures.SUTURE_WIDTH_MM[1]


@pytest.mark.parametrize("seed", range(6))
def test_a_fracture_crosses_a_suture(seed: int) -> None:
    """It is one piece, longer across than along, and several mm of it lie on each side."""
    cut = broken("crossing_fracture", seed, width_mm=3.0, sutures={"front": SUTURES["front"]}).mask == 1
    assert BONE[cut].all()
    assert ndimage.label(cut, np.ones((3, 3, 3)))[1] == 1
    places = places_mm(cut)
    before, behind = places[:, 1].max() - FRONT, FRONT - places[:, 1].min()
    assert min(before, behind) > 5
    assert aside_mm(places, SUTURES["front"]).min() < SPACING_MM
    assert np.ptp(places[:, 1]) > np.ptp(places[:, 2])


def test_each_suture_of_the_side_has_its_turn_and_those_of_the_other_side_have_none() -> None:
    sutures = {**SUTURES, "other side": suture(0.0, -1.0)}
    chosen = set()
    for seed in range(8):
        places = places_mm(broken("suture_fracture", seed, sutures=sutures).mask)
        near = {name: aside_mm(places, line).max() < 5 for name, line in sutures.items()}
        assert sum(near.values()) == 1
        chosen |= {name for name, is_near in near.items() if is_near}
    assert chosen == set(SUTURES)


@pytest.mark.parametrize("kind", ["suture_fracture", "crossing_fracture"])
def test_a_head_without_sutures_breaks_where_they_usually_run(kind: str) -> None:
    """In front of the middle or far behind it; a suture of the other side does not count, nor does a short one."""
    others = {"other side": suture(0.0, -1.0), "short": suture(0.0)[:60]}
    for seed in range(6):
        found = broken(kind, seed)
        np.testing.assert_array_equal(found.mask, broken(kind, seed, sutures=others).mask)
        assert not -10 < places_mm(found.mask)[:, 1].mean() < 12


def test_a_line_is_as_long_as_it_is_without_its_teeth() -> None:
    """Teeth of 1.5 mm make the way along the points longer by a tenth and more, and the line not."""
    points = (SUTURES["front"] - CENTRE) * SPACING_MM
    straight = (suture(FRONT) - CENTRE) * SPACING_MM * (1, 0, 1)
    arc_mm = np.linalg.norm(np.diff(straight, axis=0), axis=1).sum()
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).sum() > 1.1 * arc_mm
    assert sutural._way(points)[-1] == pytest.approx(arc_mm, rel=0.1)
