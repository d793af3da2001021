"""The picture of the unrolled skull shows detections and holes where they are, and the way."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scripts.geometry.coordinates import CENTRE_MM
from scripts.results.unrolled_skull import HEADER, HOLE, LINE, SIDE, SUTURE, unrolled_map, unrolled_skull
from scripts.skull.atlas import atlas
from scripts.skull.gaps import Gaps
from scripts.skull.holes import Hole


def line_on_the_left() -> Any:
    """A detected line on the patient's left, from front to back."""
    angles = np.linspace(-0.3, 0.3, 30)
    course = np.stack([-0.6 * np.cos(angles), np.sin(angles), 0.8 * np.cos(angles)], axis=1)
    peak = np.array(CENTRE_MM) + 80 * course[15]
    return SimpleNamespace(map="lines", places=atlas().nearest(course), peak_mm=peak)


def dent_on_the_right() -> Any:
    return SimpleNamespace(map="dents", places=[], peak_mm=np.array(CENTRE_MM) + 80 * np.array([0.8, 0.0, 0.6]))


def assessed(detections: list[Any], holes: list[Hole] | None = None) -> Any:
    gaps = Gaps(np.zeros(len(atlas().fine)), np.ones(len(atlas().fine), bool))
    numbers = {"skull_score": 4.2, "skull_percentile": 99.0, "line_mm": 51.0, "hole_mm": 30.0}
    return SimpleNamespace(
        skull=SimpleNamespace(gaps=gaps, holes=holes or []),
        numbers=numbers,
        threshold=5.9,
        alpha=0.05,
        detections=detections,
        defect=bool(holes),
        defects=holes or [],
    )


def pixels_of(picture: bytes, colour: tuple[int, int, int]) -> NDArray[np.intp]:
    shown = np.asarray(Image.open(io.BytesIO(picture)))
    return np.argwhere((shown == colour).all(axis=-1)) - (HEADER, 0)


def test_a_line_on_the_left_is_on_the_right_of_the_picture_and_its_course_stays_free() -> None:
    picture = unrolled_skull(assessed([line_on_the_left()]))
    found = pixels_of(picture, LINE)
    assert found[:, 1].min() > SIDE / 2
    row = np.sort(found[found[:, 0] == SIDE // 2 - 50, 1])
    assert np.diff(row).max() > 10, "it is drawn on both sides of its course"
    assert not pixels_of(picture, HOLE).size
    assert unrolled_skull(assessed([line_on_the_left()])) == picture


def test_without_a_detection_nothing_is_marked() -> None:
    assert not pixels_of(unrolled_skull(assessed([])), LINE).size


def test_a_dent_has_a_ring() -> None:
    found = pixels_of(unrolled_skull(assessed([dent_on_the_right()])), LINE)
    assert found[:, 1].max() < SIDE / 2, "it lies on the patient's right, which is left in the picture"
    ring = found[found[:, 1] < np.median(found[:, 1])]
    assert np.ptp(ring[:, 0]) == pytest.approx(2 * 12 / 0.5 * SIDE / 601, abs=4)


def test_each_detection_has_the_number_that_it_has_in_the_list() -> None:
    both = assessed([line_on_the_left(), dent_on_the_right()])
    one, three = (np.asarray(unrolled_map(both, SIDE, first)).astype(int) for first in (1, 3))
    changed = np.argwhere((one != three).any(axis=2))
    assert len(changed) > 20
    assert len(changed) < 600, "the numbers alone"
    assert changed[:, 1].min() < SIDE / 2 < changed[:, 1].max()


def test_the_mean_sutures_are_dotted_on_both_sides_in_every_size() -> None:
    for side in (SIDE, 400):
        found = np.argwhere((np.asarray(unrolled_map(assessed([]), side)) == SUTURE).all(axis=2))
        left, right = ((found[:, 1] < side * 0.4).sum(), (found[:, 1] > side * 0.6).sum())
        assert min(left, right) > 50
        assert left == pytest.approx(right, rel=0.2)


def test_a_hole_is_marked_where_it_is() -> None:
    middle = np.array(CENTRE_MM) + 80 * np.array([0.0, 0.6, 0.8])
    places = np.flatnonzero(atlas().fine @ (0, 0.6, 0.8) > np.cos(15 / 80)).astype(np.int32)
    found = pixels_of(unrolled_skull(assessed([], [Hole(middle, 30.0, places)])), HOLE)
    assert abs(found[:, 1].mean() - SIDE / 2) < 4
    assert found[:, 0].mean() < SIDE / 2 - 60
