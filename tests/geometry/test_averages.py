"""Means of blocks, and Gaussian means of what belongs, against loops."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.geometry.averages import block_means, gaussian_means


def test_blocks_are_means_and_what_is_left_over_is_dropped() -> None:
    values = np.random.default_rng(0).random((4, 7, 3), np.float32)
    slow = [[[values[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, :2].mean()] for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(block_means(values, 2), slow, rtol=1e-6)
    assert block_means(values > 0.5, 2).dtype == np.float32


@pytest.mark.parametrize("block", [2, 3, 16])
def test_a_mask_has_the_bits_of_its_numbers(block: int) -> None:
    mask = np.random.default_rng(4).random((32, 17, 34)) > 0.3
    assert block_means(mask, block).tobytes() == block_means(mask.astype(np.float32), block).tobytes()


def test_blocks_of_two_of_a_mirror_image_are_mirrored_to_the_bit() -> None:
    values = np.random.default_rng(1).random((12, 6, 6), np.float32)
    assert block_means(values[::-1], 2).tobytes() == block_means(values, 2)[::-1].tobytes()


def test_what_does_not_belong_has_no_part_in_a_gaussian_mean() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(20, 12, 12)).astype(np.float32)
    inside = rng.random(values.shape) > 0.4
    inside[10:] = False
    found, known = gaussian_means(np.where(inside, values, 0), inside, 1.5)
    grid = np.indices(values.shape)
    for place in ((0, 0, 0), (4, 6, 11), (9, 3, 5), (11, 6, 6)):
        off = np.abs(grid - np.array(place)[:, None, None, None])
        weight = np.exp(-(off.astype(float) ** 2).sum(axis=0) / (2 * 1.5**2)) * (off.max(axis=0) <= 5) * inside
        assert known[place]
        np.testing.assert_allclose(found[place], (values * weight).sum() / weight.sum(), atol=1e-4)
    assert not known[15:].any()
    assert (found[~known] == 0).all()


def test_a_voxel_that_belongs_in_part_counts_in_part() -> None:
    totals, share = np.zeros((9, 9, 9), np.float32), np.zeros((9, 9, 9), np.float32)
    totals[4, 4, 4], share[4, 4, 4] = 0.25 * 8, 0.25
    totals[4, 4, 5], share[4, 4, 5] = 4, 1
    found, _ = gaussian_means(totals, share, 1.0)
    np.testing.assert_allclose(found[4, 4, 4], (2 + 4 * np.exp(-0.5)) / (0.25 + np.exp(-0.5)), rtol=1e-4)
