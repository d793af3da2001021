"""Growing: noise has its scale, and the lowest scores are taken in one piece."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scripts.simulation.lesions.growth import grow, lowest, smooth_noise, voxels


def test_smooth_noise_has_unit_deviation_and_its_scale() -> None:
    """Neighbours at a tenth of the scale agree, at three scales they do not; anisotropic voxels are taken in mm."""
    noise = smooth_noise((60, 40, 30), 10.0, np.array([1.0, 1.5, 2.0]), np.random.default_rng(0))
    assert noise.std() == pytest.approx(1)
    for axis, mm in enumerate((1.0, 1.5, 2.0)):
        near = np.take(noise, range(1, noise.shape[axis]), axis), np.take(noise, range(noise.shape[axis] - 1), axis)
        lag = round(30 / mm) - 1
        far = np.take(noise, range(lag, noise.shape[axis]), axis), np.take(noise, range(noise.shape[axis] - lag), axis)
        assert np.corrcoef(near[0].ravel(), near[1].ravel())[0, 1] > 0.9
        assert abs(np.corrcoef(far[0].ravel(), far[1].ravel())[0, 1]) < 0.5


def test_the_lowest_scores_are_those_of_a_sorted_list() -> None:
    """Among the allowed voxels only, and all of them where too many are asked for."""
    rng = np.random.default_rng(1)
    score, allowed = rng.permutation(120).reshape(4, 5, 6).astype(float), rng.random((4, 5, 6)) < 0.6
    cut = np.sort(score[allowed])[20]
    np.testing.assert_array_equal(lowest(score, allowed, 20), allowed & (score <= cut))
    np.testing.assert_array_equal(lowest(score, allowed, 999), allowed)


def test_what_grows_is_one_piece_without_holes() -> None:
    """Of two valleys the larger one is taken, as much as was asked, with the hill inside of it."""
    x, y, z = np.meshgrid(*[np.arange(24.0)] * 3, indexing="ij")
    near, far = (np.sqrt((x - cx) ** 2 + (y - 12) ** 2 + (z - 12) ** 2) for cx in (7, 18))
    score = np.minimum(near, far + 1)
    score[7, 12, 12] = 99
    grown = grow(score, np.ones(score.shape, bool), 500)
    assert ndimage.label(grown)[1] == 1
    assert grown[7, 12, 12]
    assert not grown[18, 12, 12]
    assert 450 < grown.sum() < 550


def test_volumes_are_counted_in_voxels() -> None:
    """By the voxel's size; more than there is room for is refused."""
    room = np.ones((10, 10, 10), bool)
    assert voxels(0.5, np.array([1.0, 2.0, 0.5]), room) == 500
    with pytest.raises(ValueError, match=r"9\.0 ml do not fit here, where 1\.0 ml may bleed: ask for less"):
        voxels(9.0, np.ones(3), room)
