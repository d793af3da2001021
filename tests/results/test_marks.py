"""Which detections a picture shows, in what order, and in which slice they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scripts.results.marks import in_words, marks, slice_in_words


def brain(peak: float) -> dict[str, Any]:
    return {"region": "brain", "side": "left", "volume_ml": 34.18, "peak": peak, "peak_mm": [10.0, -20.0, 30.0]}


def bone(peak: float, depth_mm: float | None = None) -> dict[str, Any]:
    row = {"region": "skull", "kind": "skull line", "bone": "parietal bone, right", "length_mm": 51.4}
    return row | {"depth_mm": depth_mm, "peak": peak, "peak_mm": [40.0, 0.0, 80.0]}


def test_the_first_of_brain_and_skull_come_first_then_the_next_by_their_excess() -> None:
    rows = [brain(9.0), brain(8.0), brain(7.0), bone(6.0), bone(5.5)]
    found = marks(rows, {"brain": 4.0, "skull": 5.0})
    assert [mark.number for mark in found] == [1, 4, 2, 3, 5]
    assert found[0].excess == pytest.approx(9 / 4)
    assert [mark.bone for mark in found] == [False, True, False, False, True]
    np.testing.assert_array_equal(found[1].at_mm, [40, 0, 80])
    assert marks(rows, {"brain": 40.0, "skull": 5.0})[0].number == 4


def test_detections_of_a_region_without_a_threshold_are_left_out() -> None:
    assert [mark.number for mark in marks([brain(9.0), bone(6.0)], {"brain": None, "skull": 5.0})] == [2]
    assert marks([], {"brain": 4.0, "skull": 5.0}) == []


def test_words_say_where_it_is_and_how_large() -> None:
    assert in_words(brain(9.0)) == "left brain, 34.2 ml"
    assert in_words(brain(9.0) | {"name": "left thalamus"}) == "left thalamus, 34.2 ml"
    assert in_words(bone(6.0)) == "skull line, parietal bone, right, 51 mm"
    assert in_words(bone(6.0, 7.8)) == "skull line, parietal bone, right, 8 mm deep"


@pytest.mark.parametrize("flip", [1, -1])
def test_a_slice_is_counted_from_1_in_the_volume_s_own_order(flip: int) -> None:
    affine = np.diag([1.0, 1.0, 5.0 * flip, 1.0])
    affine[2, 3] = 0 if flip == 1 else 5 * 39
    words = slice_in_words(np.array([3.0, 4.0, 56.0]), np.array([0.0, 0, 1]), affine, (9, 9, 40))
    assert words == ("slice 12 of 40" if flip == 1 else "slice 29 of 40")
    assert slice_in_words(np.array([3.0, 4.0, 56.0]), np.array([0.0, 1, 0]), affine, (9, 9, 40)) == ""
    assert slice_in_words(np.array([3.0, 4.0, 256.0]), np.array([0.0, 0, 1]), affine, (9, 9, 40)) == ""


def test_under_tilt_axial_planes_still_have_a_slice_and_sagittal_series_have_their_own() -> None:
    tilted = np.diag([1.0, 1.0, 5.0, 1.0])
    tilted[:2, 1] = 0, np.cos(0.4)
    tilted[2, 1] = np.sin(0.4)
    assert slice_in_words(np.array([0.0, 0.0, 50.0]), np.array([0.0, 0, 1]), tilted, (9, 9, 40)) == "slice 11 of 40"
    sagittal = np.array([[0.0, 0, 2, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    assert slice_in_words(np.array([10.0, 0, 0]), np.array([1.0, 0, 0]), sagittal, (9, 9, 40)) == "slice 6 of 40"
    assert slice_in_words(np.array([10.0, 0, 0]), np.array([0.0, 0, 1]), sagittal, (9, 9, 40)) == ""
