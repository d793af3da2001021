"""Distances in a box are those of the whole volume."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scripts.geometry.distances import deeper_than, within

BOXES = {
    "in the middle": np.s_[10:20, 12:15, 8:22],
    "at two faces": np.s_[:7, 12:15, 20:],
    "across": np.s_[:, 12:19, :],
    "a voxel": np.s_[3:4, 4:5, 5:6],
}


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("reach_mm", [1.9, 4.0, 6.5])
def test_distances_are_those_of_the_whole_volume(box: tuple[slice, ...], reach_mm: float) -> None:
    mask = np.zeros((26, 28, 30), bool)
    mask[box] = np.random.default_rng(0).random(mask[box].shape) < 0.9
    expected = ndimage.distance_transform_edt(~mask, sampling=1.5) <= reach_mm
    np.testing.assert_array_equal(within(mask, reach_mm, 1.5), expected)
    expected = ndimage.distance_transform_edt(mask, sampling=1.5) > reach_mm
    np.testing.assert_array_equal(deeper_than(mask, reach_mm, 1.5), expected)


def test_of_an_empty_mask_nothing_is_near_or_deep() -> None:
    empty = np.zeros((4, 5, 6), bool)
    assert not within(empty, 3.0, 1.0).any()
    assert not deeper_than(empty, 0.0, 1.0).any()


def test_within_by_a_slow_loop() -> None:
    mask = np.zeros((9, 9, 9), bool)
    mask[4, 4, 4] = True
    for index in np.ndindex(9, 9, 9):
        distance = 2.0 * np.linalg.norm(np.subtract(index, 4))
        assert within(mask, 5.0, 2.0)[index] == (distance <= 5.0)
