"""Blocks by a slow loop, exact mirror images, and the shift of the median."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.preprocessing.blocks import BLOCKS, PLACES, Shift, at_places, block_grid, block_hu, median_shift, shifted
from scripts.volume import AIR_HU

MEDIAN_HU = 33.0


@pytest.fixture(scope="module")
def volume() -> NDArray[np.int16]:
    return np.random.default_rng(0).integers(-1000, 1500, (256, 256, 256), dtype=np.int16)


def test_blocks_are_the_means_of_eight_voxels_from_voxel_1_on(volume: NDArray[np.int16]) -> None:
    blocks = block_hu(volume)
    assert blocks.shape == (BLOCKS,) * 3 == (127, 127, 127)
    for i, j, k in ((0, 0, 0), (3, 40, 126), (126, 1, 77)):
        own = volume[2 * i + 1 : 2 * i + 3, 2 * j + 1 : 2 * j + 3, 2 * k + 1 : 2 * k + 3]
        assert blocks[i, j, k] == pytest.approx(own.mean())
        centre = block_grid() @ (i, j, k, 1)
        assert centre[:3].tolist() == [2 * i + 1.5, 2 * j + 1.5, 2 * k + 1.5]


def test_the_mirror_image_has_mirrored_blocks_and_places(volume: NDArray[np.int16]) -> None:
    np.testing.assert_array_equal(block_hu(volume[::-1]), block_hu(volume)[::-1])
    places = block_hu(volume)[::2, ::2, ::2]
    assert places.shape == (PLACES,) * 3
    np.testing.assert_array_equal(block_hu(volume[::-1])[::2, ::2, ::2], places[::-1])


def test_labels_at_places_are_those_of_a_voxel_beside_each(volume: NDArray[np.int16]) -> None:
    found = at_places(volume[None])
    assert found.shape == (1, 64, 64, 64)
    assert found[0, 5, 6, 63] == volume[22, 26, 254]  # the places lie at 21.5, 25.5 and 253.5


def test_a_volume_on_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="reference grid"):
        block_hu(np.zeros((128, 128, 128)))


def brain_of(hu: float, share: float = 0.0, other_hu: float = 80.0) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Blocks of a brain with noise around its HU, a share of which is something else, and the brain's mask."""
    blocks = np.full((20, 20, 20), AIR_HU, np.float32)
    blocks[2:18, 2:18, 2:18] = 900
    mask = np.zeros(blocks.shape, bool)
    mask[4:16, 4:16, 4:16] = True
    values = np.random.default_rng(1).normal(hu, 4, mask.sum())
    values[: int(share * values.size)] = other_hu
    blocks[mask] = values
    return blocks, mask


@pytest.mark.parametrize("hu", [22.0, 33.0, 41.0])
def test_the_shift_brings_the_median_of_the_brain_to_33(hu: float) -> None:
    blocks, mask = brain_of(hu)
    shift = median_shift(blocks, mask, MEDIAN_HU)
    assert shift.hu == pytest.approx(MEDIAN_HU - hu, abs=0.5)
    assert not shift.doubtful
    moved = shifted(blocks, shift)
    assert moved.dtype == np.int16
    assert abs(np.median(moved[mask]) - MEDIAN_HU) <= 1
    assert (moved[blocks == AIR_HU] == AIR_HU).all()
    assert (moved[blocks > AIR_HU] > AIR_HU).all()


def test_a_bleed_hardly_moves_the_shift_and_a_brain_of_blood_makes_it_doubtful() -> None:
    some, all_but = (median_shift(*brain_of(33, share), MEDIAN_HU) for share in (0.1, 0.6))
    assert abs(some.hu) < 2
    assert not some.doubtful
    assert all_but.doubtful
    assert median_shift(*brain_of(56), MEDIAN_HU).doubtful, "contrast agent"


def test_an_empty_brain_has_no_shift_and_an_empty_mask_is_refused() -> None:
    blocks, mask = brain_of(500)
    assert median_shift(blocks, mask, MEDIAN_HU) == Shift(0.0, 0.0, None)
    with pytest.raises(ValueError, match="0 blocks"):
        median_shift(blocks, np.zeros_like(mask), MEDIAN_HU)
