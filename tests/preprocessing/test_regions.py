"""Regions and their scores, on heads made of boxes and balls."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.anomaly.scores import POOLINGS, region_scores
from scripts.preprocessing.regions import (
    LEFT_HEMISPHERE,
    RIGHT_HEMISPHERE,
    SKULL,
    coverage,
    own_regions,
    region_target,
    scored_regions,
    within,
)

SIZE = 96


def ball_head(radius: float, thickness: float = 6.0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """HU and reference regions of a ball of brain (30 HU) in a shell of bone (900 HU), scalp around it, air outside."""
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    distance = np.sqrt(x**2 + y**2 + z**2)
    hu = np.full(distance.shape, -1024, np.float32)
    hu[distance < radius + thickness + 4] = 40
    hu[distance < radius + thickness] = 900
    hu[distance < radius] = 30
    regions = np.zeros(distance.shape, np.uint8)
    regions[distance < radius + thickness] = SKULL
    brain = distance < radius
    regions[brain] = (
        np.where(x < 0, LEFT_HEMISPHERE, RIGHT_HEMISPHERE).astype(np.uint8).repeat(SIZE, 1).repeat(SIZE, 2)[brain]
    )
    return hu, regions


@pytest.mark.parametrize("radius", [28.0, 30.0, 33.0])
def test_a_scan_has_its_own_regions_whatever_its_size(radius: float) -> None:
    _, reference = ball_head(30.0)
    hu, truth = ball_head(radius)
    found = own_regions(hu, hu > -300, region_target(reference))
    for label in (LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL):
        dice = 2 * ((found == label) & (truth == label)).sum() / ((found == label).sum() + (truth == label).sum())
        assert dice > 0.95, f"label {label}: Dice {dice:.3f}"


def test_left_is_the_smaller_first_index_and_no_voxel_is_on_the_wrong_side() -> None:
    hu, reference = ball_head(30.0)
    found = own_regions(hu, hu > -300, region_target(reference))
    assert not (found[SIZE // 2 :] == LEFT_HEMISPHERE).any()
    assert not (found[: SIZE // 2] == RIGHT_HEMISPHERE).any()
    np.testing.assert_array_equal(found == SKULL, (found == SKULL)[::-1])


def test_blood_in_the_brain_stays_brain_and_bone_never_is() -> None:
    hu, reference = ball_head(30.0)
    hu[30:40, 40:50, 40:50] = 70
    found = own_regions(hu, hu > -300, region_target(reference))
    assert (found[30:40, 40:50, 40:50] == LEFT_HEMISPHERE).all()
    assert not np.isin(found[hu > 300], (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)).any()


def test_a_thin_gap_in_the_bone_is_skull_and_does_not_let_the_brain_out() -> None:
    hu, reference = ball_head(30.0)
    cut = (slice(47, 49), slice(SIZE // 2, None), slice(None))
    gap = np.zeros(hu.shape, bool)
    gap[cut] = hu[cut] == 900
    hu[gap] = 40
    found = own_regions(hu, hu > -300, region_target(reference))
    assert (found[gap] == SKULL).mean() > 0.65
    scalp = (reference == 0) & (hu == 40) & ~gap
    assert not np.isin(found[scalp], (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)).any()


def test_what_is_not_head_has_no_region() -> None:
    hu, reference = ball_head(30.0)
    head = hu > -300
    head[:, :, :40] = False
    assert not own_regions(hu, head, region_target(reference))[:, :, :40].any()


def test_within_by_a_slow_loop() -> None:
    mask = np.zeros((9, 9, 9), bool)
    mask[4, 4, 4] = True
    for index in np.ndindex(9, 9, 9):
        distance = 2.0 * np.linalg.norm(np.subtract(index, 4))
        assert within(mask, 5.0, 2.0)[index] == (distance <= 5.0)


def test_coverage_is_the_share_in_the_field_of_view() -> None:
    reference = np.zeros((4, 4, 4), np.uint8)
    reference[0], reference[1], reference[2] = 1, 2, 3
    valid = np.ones((4, 4, 4), bool)
    valid[0], valid[1, :1] = False, False
    assert coverage(valid, reference) == {"left_hemisphere": 0.0, "right_hemisphere": 0.75, "skull": 1.0}


def test_coverage_wants_every_region_in_the_reference() -> None:
    with pytest.raises(ValueError, match="must hold the labels 1, 2 and 3"):
        coverage(np.ones((2, 2, 2), bool), np.ones((2, 2, 2), np.uint8))


def test_scores_by_hand() -> None:
    values, regions = np.zeros((10, 10, 3)), np.zeros((10, 10, 3), np.uint8)
    regions[..., 0] = LEFT_HEMISPHERE
    values[..., 0] = np.arange(100).reshape(10, 10)
    values[..., 2] = 1000
    scores = region_scores(values, regions)
    assert scores["left_hemisphere"] == {
        "maximum": 99.0,
        "percentile_99": pytest.approx(98.01),
        "percentile_95": pytest.approx(94.05),
        "top_1_percent_mean": 99.0,
        "voxels": 100,
    }


def test_the_mean_of_the_highest_percent_of_a_large_region() -> None:
    values = np.random.default_rng(0).permutation(1000.0 * np.arange(1000)).reshape(10, 10, 10)
    scores = region_scores(values, np.full(values.shape, SKULL, np.uint8))
    assert scores["skull"]["top_1_percent_mean"] == pytest.approx(1000 * np.arange(990, 1000).mean())


def test_a_region_without_a_voxel_is_null_not_zero() -> None:
    scores = region_scores(np.zeros((2, 2, 2)), np.ones((2, 2, 2), np.uint8))
    assert scores["skull"] == {**dict.fromkeys(POOLINGS), "voxels": 0}


def test_regions_without_a_score_are_left_out_unless_none_has_one() -> None:
    regions = np.array([0, 1, 2, 3], np.uint8)
    scores = {"left_hemisphere": 1.0, "right_hemisphere": None, "skull": 2.0}
    np.testing.assert_array_equal(scored_regions(regions, scores), [0, 1, 0, 3])
    np.testing.assert_array_equal(scored_regions(regions, dict.fromkeys(scores)), regions)
