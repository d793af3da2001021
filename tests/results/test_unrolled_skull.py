"""The picture of the unrolled skull shows the line where it is, and its words."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scripts.geometry.coordinates import CENTRE_MM
from scripts.results.unrolled_skull import HEADER, HOLE, LINE, unrolled_skull
from scripts.skull.atlas import atlas
from scripts.skull.gaps import Gaps
from scripts.skull.holes import Hole
from scripts.skull.paths import Trace


def assessed(holes: list[Hole], percentile: float = 99.0, dents: float = 1.0) -> Any:
    """A skull with a line on the patient's left, from front to back."""
    tables = atlas()
    angles = np.linspace(-0.3, 0.3, 30)
    course = np.stack([-0.6 * np.cos(angles), np.sin(angles), 0.8 * np.cos(angles)], axis=1)
    gaps = Gaps(np.zeros(len(tables.fine)), np.ones(len(tables.fine), bool))
    numbers = {"skull_score": 4.2, "skull_percentile": percentile, "line_mm": 51.0, "hole_mm": 30.0}
    line = Trace(tables.nearest(course), 51.0)
    right = int((tables.pooled @ (0.8, 0.0, 0.6)).argmax())
    return SimpleNamespace(
        skull=SimpleNamespace(gaps=gaps, holes=holes),
        line=line,
        numbers=numbers,
        defect=bool(holes),
        defects=holes,
        scores={"lines": 2.0, "wide": 0.5, "dents": dents},
        peaks={"dents": SimpleNamespace(place=right)},
    )


def pixels_of(picture: bytes, colour: tuple[int, int, int]) -> NDArray[np.intp]:
    shown = np.asarray(Image.open(io.BytesIO(picture)))
    return np.argwhere((shown == colour).all(axis=-1)) - (HEADER, 0)


def test_a_line_on_the_left_is_on_the_right_of_the_picture_and_its_course_stays_free() -> None:
    picture = unrolled_skull(assessed([]))
    found = pixels_of(picture, LINE)
    side = Image.open(io.BytesIO(picture)).width
    assert found[:, 1].min() > side / 2
    rows = found[(found[:, 0] > side / 2 - 10) & (found[:, 0] < side / 2 + 10), 1]
    assert np.ptp(rows) > 12
    assert not pixels_of(picture, HOLE).size
    assert unrolled_skull(assessed([])) == picture


def test_the_strongest_line_of_a_usual_skull_is_not_drawn() -> None:
    assert not pixels_of(unrolled_skull(assessed([], 94.0)), LINE).size
    assert pixels_of(unrolled_skull(assessed([], 95.0)), LINE).size


def test_a_dent_that_gives_the_score_is_ringed_and_the_line_is_not_drawn() -> None:
    found = pixels_of(unrolled_skull(assessed([], dents=3.0)), LINE)
    assert found[:, 1].max() < 320, "it lies on the patient's right, which is left in the picture"
    assert np.ptp(found[:, 0]) == pytest.approx(np.ptp(found[:, 1]), abs=2)
    assert not pixels_of(unrolled_skull(assessed([], 94.0, dents=3.0)), LINE).size


def test_a_hole_is_marked_where_it_is() -> None:
    middle = np.array(CENTRE_MM) + 80 * np.array([0.0, 0.6, 0.8])
    places = np.flatnonzero(atlas().fine @ (0, 0.6, 0.8) > np.cos(15 / 80)).astype(np.int32)
    found = pixels_of(unrolled_skull(assessed([Hole(middle, 30.0, places)])), HOLE)
    side = 640
    assert abs(found[:, 1].mean() - side / 2) < 4
    assert found[:, 0].mean() < side / 2 - 60
