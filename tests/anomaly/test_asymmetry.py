"""Left against right, on a head of a ball of brain in a shell of bone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from scripts.anomaly.asymmetry import (
    BRAIN_SMOOTHING_MM,
    BRAIN_STEP_HU,
    SKULL_SMOOTHING_MM,
    SKULL_STEP_HU,
    asymmetry,
    bone_and_rim,
    densities,
)
from scripts.anomaly.normative import mirrored
from scripts.preprocessing.intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU, windows
from scripts.preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL

SIZE = 64
BRAIN_MM, BONE_MM = 22.0, 29.0
BLOB = (slice(16, 24), slice(28, 36), slice(26, 34))
INSIDE_BLOB, OPPOSITE = (20, 32, 30), (SIZE - 1 - 20, 32, 30)
"""In the middle of a blob of 8 mm a side, and its exact mirror place."""

Array = NDArray[np.float32]


def head(noise_hu: float = 0.0) -> tuple[Array, NDArray[np.uint8]]:
    """HU and regions: brain of 30 HU, bone of 900 HU, air; they are symmetric without noise."""
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    hu = np.full(distance.shape, -1024, np.float32)
    hu[distance < BONE_MM] = 900
    hu[distance < BRAIN_MM] = 30
    hu[distance < BONE_MM] += noise_hu * np.random.default_rng(0).normal(size=int((distance < BONE_MM).sum()))
    regions = np.where(distance < BONE_MM, SKULL, 0).astype(np.uint8)
    side = np.where(axis < 0, LEFT_HEMISPHERE, RIGHT_HEMISPHERE)[:, None, None]
    regions[distance < BRAIN_MM] = np.broadcast_to(side, regions.shape)[distance < BRAIN_MM]
    return hu, regions


def inputs(hu: Array) -> Array:
    """What the network sees: the brain and the bone window."""
    image = torch.from_numpy(hu)[None]
    limits = (BRAIN_WINDOW_HU, BONE_WINDOW_HU)
    return np.asarray(windows(image, limits, foreground=image > -500).numpy())


def expected(blob_hu: float, inside: NDArray[np.bool_], sigma_mm: float, step_hu: float) -> NDArray[np.float64]:
    """The asymmetry of a blob in steps, voxel by voxel, by smoothing it inside its region and nothing else."""
    blob = np.zeros(inside.shape)
    blob[BLOB] = blob_hu
    weight, total = (ndimage.gaussian_filter(values, sigma_mm) for values in (inside * 1.0, blob * inside))
    density = np.divide(total, weight, out=np.zeros(inside.shape), where=inside)
    return np.asarray((density - density[::-1]) / step_hu)


def test_a_symmetric_head_has_none() -> None:
    hu, regions = head()
    assert not asymmetry(inputs(hu), regions, 1).any()


def test_blood_in_a_hemisphere_is_plus_there_and_minus_at_its_mirror_place() -> None:
    hu, regions = head()
    hu[BLOB] += 60
    found = asymmetry(inputs(hu), regions, 1)
    brain = np.isin(regions, (LEFT_HEMISPHERE, RIGHT_HEMISPHERE))
    wanted = expected(60, brain & ~bone_and_rim(inputs(hu)[1]), BRAIN_SMOOTHING_MM, BRAIN_STEP_HU)
    assert found[INSIDE_BLOB] == -found[OPPOSITE]
    assert found[INSIDE_BLOB] == pytest.approx(wanted[INSIDE_BLOB], rel=0.05)
    assert 5 < found[INSIDE_BLOB] < 60 / BRAIN_STEP_HU
    deep = ndimage.binary_erosion(brain, iterations=4)
    assert np.abs(found - wanted)[deep].max() < 0.15 * found.max()
    assert not found[~ndimage.binary_dilation(brain, iterations=2)].any(), "bone is compared with bone alone"


def test_voxels_that_bone_shares_do_not_count_and_a_film_of_blood_beside_them_does() -> None:
    hu, regions = head()
    distance = np.linalg.norm(np.stack(np.indices(hu.shape)) - (SIZE - 1) / 2, axis=0)
    left = np.arange(SIZE)[:, None, None] < SIZE // 2
    shared = left & (distance < BRAIN_MM) & (distance > BRAIN_MM - 1)
    hu[shared] = 250
    brain = ndimage.binary_erosion(distance < BRAIN_MM, iterations=4)
    assert np.abs(asymmetry(inputs(hu), regions, 1)[brain]).max() < 1e-3
    hu[left & (distance < BRAIN_MM - 1) & (distance > BRAIN_MM - 6) & (np.abs(np.arange(SIZE) - 32) < 8)] = 65
    assert asymmetry(inputs(hu), regions, 1)[15, 32, 32] > 5


def test_noise_in_blood_does_not_make_it_bone() -> None:
    hu, regions = head(noise_hu=15)
    hu[BLOB] += 50
    deep = ndimage.binary_erosion(regions == LEFT_HEMISPHERE, iterations=5)
    assert not bone_and_rim(inputs(hu)[1])[deep].any()


def test_a_gap_in_the_bone_is_minus_there_and_plus_at_its_mirror_place() -> None:
    hu, regions = head()
    gap = np.zeros(hu.shape, bool)
    gap[4:12, 28:36, 28:36] = True
    gap &= regions == SKULL
    hu[gap] = 40
    found = asymmetry(inputs(hu), regions, 1)
    weight, total = (ndimage.gaussian_filter(v, SKULL_SMOOTHING_MM) for v in ((regions == SKULL) * 1.0, gap * -860.0))
    place, opposite = (7, 31, 31), (SIZE - 1 - 7, 31, 31)
    assert found[place] == -found[opposite]
    assert found[place] == pytest.approx(total[place] / weight[place] / SKULL_STEP_HU, rel=0.1)
    assert found[place] < -5
    assert np.abs(found[~ndimage.binary_dilation(regions == SKULL, iterations=2)]).max() < 1e-3


def test_a_change_of_all_densities_inside_the_windows_changes_nothing() -> None:
    hu, regions = head()
    hu[BLOB] += 20
    before, after = (asymmetry(inputs(np.where(regions > 0, hu + more, hu)), regions, 1) for more in (0, 4))
    assert np.abs(before).max() > 3
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_outside_the_regions_it_is_0_and_so_where_the_mirror_place_is_of_no_region() -> None:
    hu, regions = head(noise_hu=10)
    found = asymmetry(inputs(hu), regions, 1)
    there = np.pad(regions > 0, 1)
    far = ~ndimage.binary_dilation(there, np.ones((3, 3, 3)))[1:-1, 1:-1, 1:-1]
    assert not found[far].any(), "blocks of two voxels end one voxel further"
    cut = regions.copy()
    cut[: SIZE // 2, :, 40:] = 0
    found = asymmetry(inputs(hu), cut, 1)
    assert not found[:, :, 40:].any()
    assert np.abs(found[20, 32, 20]) > 0


@pytest.mark.parametrize("stride", [2, 4])
def test_strides_agree_at_common_places(stride: int) -> None:
    hu, regions = head(noise_hu=10)
    fine, coarse = (asymmetry(inputs(hu), regions, step) for step in (1, stride))
    assert coarse.shape == (SIZE // stride,) * 3
    assert coarse.dtype == np.float32
    np.testing.assert_array_equal(coarse, fine[::stride, ::stride, ::stride])


def test_the_mirror_image_has_it_mirrored_with_the_other_sign_at_the_same_place() -> None:
    hu, regions = head(noise_hu=10)
    hu[BLOB] += 60
    found, turned = asymmetry(inputs(hu), regions, 1), asymmetry(*mirror_image(hu, regions), 1)
    assert turned[OPPOSITE] == found[INSIDE_BLOB] > 5
    np.testing.assert_array_equal(turned, -found)
    np.testing.assert_array_equal(turned, found[::-1])


def test_the_normative_takes_it_for_what_it_is_in_the_mirror_image() -> None:
    """Places of the normative's grid lie a voxel beside their mirror places, within blocks that change slowly."""
    hu, regions = head()
    hu[BLOB] += 60
    found, turned = asymmetry(inputs(hu), regions, 4), asymmetry(*mirror_image(hu, regions), 4)
    features, inside = np.zeros((4, *found.shape), np.float32), np.ones(found.shape, bool)
    features[3] = found
    flipped, _ = mirrored(features, inside)
    assert np.abs(flipped[3] - turned).max() < 0.5 * found.max() < 0.5 * np.abs(flipped[3] + turned).max()


def mirror_image(hu: Array, regions: NDArray[np.uint8]) -> tuple[Array, NDArray[np.uint8]]:
    """Network inputs and regions of the mirror image."""
    swapped = np.array([0, RIGHT_HEMISPHERE, LEFT_HEMISPHERE, SKULL], np.uint8)[regions[::-1]]
    return inputs(np.ascontiguousarray(hu[::-1])), swapped


@pytest.mark.parametrize("blob_hu", [50, -30])
def test_beside_the_reference_head_the_healthy_side_has_none(blob_hu: float) -> None:
    hu, regions = head()
    usual, there = densities(inputs(hu), regions)
    assert np.abs(usual[there]).max() < 1e-4
    hu[BLOB] += blob_hu
    plain, found = (asymmetry(inputs(hu), regions, 1, reference) for reference in (None, usual))
    assert found[INSIDE_BLOB] == pytest.approx(plain[INSIDE_BLOB], rel=1e-4)
    assert abs(found[INSIDE_BLOB]) > 2
    assert plain[OPPOSITE] == -plain[INSIDE_BLOB]
    assert np.abs(found[SIZE // 2 :]).max() < 1e-4


def test_what_both_sides_share_or_the_reference_has_too_counts_for_little() -> None:
    """A hemisphere that is usually denser, as in this reference, and a scan whose two sides are dark alike."""
    hu, regions = head()
    uneven = hu.copy()
    uneven[BLOB] += 50
    usual = densities(inputs(uneven), regions)[0]
    assert not asymmetry(inputs(uneven), regions, 1, usual).any()
    both = uneven.copy()
    both[::-1][BLOB] += 50
    assert np.abs(asymmetry(inputs(both), regions, 1, densities(inputs(hu), regions)[0])).max() < 1e-4


def test_a_blob_has_as_many_steps_in_any_windows_that_hold_it() -> None:
    hu, regions = head()
    hu[BLOB] += 30
    wide = ((-40.0, 160.0), (-100.0, 2000.0))
    image = torch.from_numpy(hu)[None]
    seen = windows(image, wide, foreground=image > -500).numpy()
    found, wanted = asymmetry(seen, regions, 1, windows_hu=wide), asymmetry(inputs(hu), regions, 1)
    np.testing.assert_allclose(found, wanted, atol=0.01)
    assert np.abs(asymmetry(seen, regions, 1) - wanted).max() > 1, "taken for what they are not, they are other steps"


def test_air_around_a_head_changes_no_bit() -> None:
    hu, regions = head(noise_hu=8.0)
    margin = ((20, 20), (16, 24), (24, 16))
    wider = inputs(np.pad(hu, margin, constant_values=-1024)), np.pad(regions, margin)
    inner = (slice(None), *(slice(low // 2, -high // 2) for low, high in margin))
    for alone, within in zip(densities(inputs(hu), regions), densities(*wider), strict=True):
        outside = np.ones(within.shape, dtype=bool)
        outside[inner] = False
        assert within[inner].tobytes() == alone.tobytes()
    nothing = densities(np.zeros((2, 16, 16, 16), np.float32), np.zeros((16, 16, 16), np.uint8))
    assert np.isnan(nothing[0]).all()
    assert not nothing[1].any()


def test_a_bone_window_that_can_t_tell_bone_raises() -> None:
    hu, regions = head()
    for window_hu in ((150.0, 2000.0), (-100.0, 80.0)):
        with pytest.raises(ValueError, match=r"bone window has to hold 100 HU, .* got (150 to 2000|-100 to 80) HU"):
            asymmetry(inputs(hu), regions, 1, windows_hu=(BRAIN_WINDOW_HU, window_hu))


@pytest.mark.parametrize("shape", [(1, 8, 8, 8), (3, 8, 8, 8), (2, 8, 8, 6), (8, 8, 8)])
def test_wrong_shapes_raise(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"asymmetry needs brain and bone window, \(2, \(8, 8, 8\)\), got \("):
        asymmetry(np.zeros(shape, np.float32), np.ones((8, 8, 8), np.uint8), 2)
