"""Padding by its tag: outside the field of view, never inside the head."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from scripts.reading.padding import values_inside


def test_only_what_reaches_the_border_is_padding() -> None:
    hu = np.full((2, 12, 10), 35, np.int16)
    outside = np.zeros(hu.shape, bool)
    outside[0, :3], outside[0, 2:6, 0], outside[1, 11, 9] = True, True, True
    inside = np.zeros(hu.shape, bool)
    inside[0, 5:7, 4], inside[1, 4, 4] = True, True
    hu[outside | inside] = 0
    padding = hu == 0
    (found,) = values_inside(hu, padding)
    np.testing.assert_array_equal(padding, outside)
    assert (found.code, found.message) == (
        "padding_inside",
        "3 voxels inside the field of view have the padding value.",
    )


def test_values_that_no_head_has_are_padding_anywhere() -> None:
    for value in (-2000, 32767):
        hu = np.full((1, 9, 9), 35, np.int16)
        hu[0, 4, 4] = value
        padding = hu == value
        assert values_inside(hu, padding) == []
        assert padding[0, 4, 4]


def test_air_that_has_the_padding_value_needs_no_flag() -> None:
    hu = np.full((1, 9, 9), 35, np.int16)
    hu[0, 4, 4] = -1024
    padding = hu == -1024
    assert values_inside(hu, padding) == []
    assert not padding.any()


def test_the_value_of_all_air_is_no_padding() -> None:
    hu = np.full((2, 20, 20), 35, np.int16)
    hu[:, :5] = -1024
    padding = hu == -1024
    assert values_inside(hu, padding) == []
    assert not padding.any()
    hu[:, 5:9] = -1000
    padding = hu == -1024
    assert values_inside(hu, padding) == []
    np.testing.assert_array_equal(padding, hu == -1024)


def test_without_padding_there_is_nothing_to_tell() -> None:
    assert values_inside(np.zeros((1, 3, 3), np.int16), None) == []


def test_many_parts_as_one_by_one() -> None:
    """Against a flood from each border pixel."""
    padding = np.random.default_rng(0).random((3, 24, 20)) < 0.5
    expected = np.zeros_like(padding)
    for k, mask in enumerate(padding):
        seed = np.zeros_like(mask)
        seed[[0, -1]] = seed[:, [0, -1]] = True
        expected[k] = ndimage.binary_propagation(seed & mask, mask=mask)
    values_inside(np.zeros(padding.shape, np.int16), padding)
    np.testing.assert_array_equal(padding, expected)
