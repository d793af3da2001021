"""An outline encloses its mask, follows its border, and has few points."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from scripts.results.dicom.outline import CORNERS, SMALL_MM, TOLERANCE, border, circle, outline


def area(line: np.ndarray) -> float:
    x, y = line[:-1].T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def test_a_rectangle_has_its_corners() -> None:
    mask = np.zeros((8, 9), bool)
    mask[2:5, 3:7] = True
    assert {tuple(point) for point in outline(mask)} == {(3, 2), (7, 2), (7, 5), (3, 5)}
    np.testing.assert_array_equal(outline(mask)[0], outline(mask)[-1])


def test_a_disc_up_to_the_edge_of_the_slice_is_followed_with_few_points() -> None:
    rows, columns = np.mgrid[:60, :60]
    mask = np.hypot(rows - 30, columns - 45) < 20
    full, line = border(mask), outline(mask)
    assert area(full) == mask.sum()
    assert area(line) == pytest.approx(mask.sum(), rel=0.02)
    assert 8 < len(line) < len(full) / 2
    steps = np.concatenate([np.linspace(a, b, 50) for a, b in pairwise(line)])
    gaps = np.linalg.norm(full[:, None] - steps[None], axis=-1).min(axis=1)
    assert gaps.max() <= TOLERANCE + 0.1


def test_of_several_pieces_the_largest_is_drawn_whole_and_without_its_hole() -> None:
    mask = np.zeros((20, 20), bool)
    mask[1:3, 1:3] = mask[5:15, 5:15] = True
    mask[8:10, 8:10] = False
    assert area(outline(mask)) == 100


def test_pieces_that_touch_at_a_corner_are_two() -> None:
    mask = np.zeros((9, 9), bool)
    mask[1:4, 1:4] = mask[4:8, 4:8] = True
    assert area(outline(mask)) == 16
    ring = np.ones((5, 5), bool)
    ring[1, 2] = ring[2, 1] = False
    assert area(outline(ring)) >= 24


def test_one_pixel_is_a_square() -> None:
    mask = np.zeros((3, 3), bool)
    mask[1, 1] = True
    assert area(outline(mask)) == 1


def test_an_empty_mask_has_none() -> None:
    with pytest.raises(ValueError, match="an empty mask has no outline"):
        outline(np.zeros((3, 3), bool))


def test_a_circle_in_millimetres() -> None:
    line = circle(np.array([10.0, 20.0]), (2.0, 0.5))
    assert len(line) == CORNERS + 1
    np.testing.assert_array_equal(line[0], line[-1])
    np.testing.assert_allclose(np.linalg.norm((line - [10, 20]) * [0.5, 2.0], axis=1), SMALL_MM)
