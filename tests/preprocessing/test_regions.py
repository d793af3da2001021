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
    share_in_no_region,
)

SIZE = 96
AXIS = np.arange(SIZE) - (SIZE - 1) / 2


def distances() -> NDArray[np.float64]:
    """Distance of each voxel's centre from the middle of the grid."""
    return np.sqrt(AXIS[:, None, None] ** 2 + AXIS[:, None] ** 2 + AXIS**2)


def ball_head(radius: float, thickness: float = 6.0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """HU and reference regions of a ball of brain (30 HU) in a shell of bone (900 HU), scalp around it, air outside."""
    distance, x = distances(), AXIS[:, None, None]
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
    depth = distances()[gap] - 30.0
    assert (found[gap][(depth >= 2) & (depth < 4)] == SKULL).all()
    hemisphere = np.isin(found[gap], (LEFT_HEMISPHERE, RIGHT_HEMISPHERE))
    assert hemisphere.mean() < 0.2, "hemispheres are found in blocks of 2 mm, so the gap's first block is theirs"
    assert depth[hemisphere].max() < 2
    scalp = (reference == 0) & (hu == 40) & ~gap
    assert not np.isin(found[scalp], (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)).any()


def test_what_is_not_head_has_no_region() -> None:
    hu, reference = ball_head(30.0)
    head = hu > -300
    head[:, :, :40] = False
    assert not own_regions(hu, head, region_target(reference))[:, :, :40].any()


def test_coverage_is_the_share_in_the_field_of_view() -> None:
    reference = np.zeros((4, 4, 4), np.uint8)
    reference[0], reference[1], reference[2] = 1, 2, 3
    valid = np.ones((4, 4, 4), bool)
    valid[0], valid[1, :1] = False, False
    assert coverage(valid, reference) == {"left_hemisphere": 0.0, "right_hemisphere": 0.75, "skull": 1.0}


@pytest.mark.parametrize("height", [-20.0, 0.0, 10.0, 25.0])
def test_coverage_of_a_ball_below_a_plane_is_that_of_the_formula(height: float) -> None:
    inner, outer = 33.0, 39.0
    _, reference = ball_head(inner)
    seen = np.broadcast_to(height > AXIS, reference.shape)
    found = coverage(seen, reference)

    def below(radius: float) -> float:
        return np.pi * (2 * radius**3 / 3 + radius**2 * height - height**3 / 3)

    brain, all_of_it = 4 / 3 * np.pi * inner**3, 4 / 3 * np.pi * outer**3
    expected = below(inner) / brain, (below(outer) - below(inner)) / (all_of_it - brain)
    assert found["left_hemisphere"] == found["right_hemisphere"] == pytest.approx(expected[0], abs=0.01)
    assert found["skull"] == pytest.approx(expected[1], abs=0.01)


@pytest.mark.parametrize("height", [0, 12])
def test_regions_of_a_cut_ball_are_those_of_the_whole_one_up_to_the_plane(height: int) -> None:
    hu, reference = ball_head(30.0)
    seen = np.broadcast_to(height > AXIS, hu.shape)
    cut = own_regions(np.where(seen, hu, -1024), (hu > -300) & seen, region_target(reference))
    assert not cut[~seen].any()
    shares = coverage(seen, reference).values()
    for label, share in zip((LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL), shares, strict=True):
        found = (cut == label).sum() / (own_regions(hu, hu > -300, region_target(reference)) == label).sum()
        assert found == pytest.approx(share, abs=0.02), "the rim between bone and plane is rounded by a block"


def larger_forehead(more: float) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.uint8]]:
    """HU, distances and reference of a ball of 27 mm whose front half reaches `more` mm farther.

    Distances from the middle are shortened in the front, so that the brain ends at 27 mm there, too.
    """
    _, reference = ball_head(27.0)
    y = np.where(AXIS > 0, AXIS * 27 / (27 + more), AXIS)
    distance = np.sqrt(AXIS[:, None, None] ** 2 + y[:, None] ** 2 + AXIS**2)
    hu = np.select([distance < 27, distance < 33, distance < 37], [30.0, 900.0, 40.0], -1024.0).astype(np.float32)
    return hu, distance, reference


@pytest.mark.parametrize("more", [0.0, 4.0, 8.0])
def test_the_brain_behind_a_larger_forehead_lies_in_a_hemisphere(more: float) -> None:
    hu, distance, reference = larger_forehead(more)
    regions = own_regions(hu, hu > -300, region_target(reference))
    hemispheres = np.isin(regions, (LEFT_HEMISPHERE, RIGHT_HEMISPHERE))
    front = (AXIS[:, None] > 0) & (AXIS > 0)
    assert hemispheres[front & (distance < 25)].all(), "all but voxels in the last block before the bone"
    assert hemispheres[front & (distance < 27)].mean() > 0.97
    assert not hemispheres[distance >= 27].any()
    assert share_in_no_region(hu, hu > -300, regions, region_target(reference)) < 0.01


@pytest.mark.parametrize("left_out_mm", [2, 4, 8])
def test_the_share_in_no_region_is_that_of_a_planted_gap(left_out_mm: int) -> None:
    hu, reference = ball_head(33.0)
    regions = own_regions(hu, hu > -300, region_target(reference))
    hemispheres = np.isin(regions, (LEFT_HEMISPHERE, RIGHT_HEMISPHERE))
    gap = hemispheres & ~np.roll(hemispheres, -left_out_mm, axis=1)
    regions[gap] = 0
    upper = AXIS > 0  # the floor of a ball is its lower half
    expected = (gap & upper).sum() / (hemispheres & upper).sum()
    assert share_in_no_region(hu, hu > -300, regions, region_target(reference)) == pytest.approx(expected, rel=0.15)


def test_without_a_skull_nothing_is_left_out() -> None:
    _, reference = ball_head(30.0)
    hu = np.where(reference > 0, 30.0, -1024.0)
    assert share_in_no_region(hu, hu > -300, np.zeros_like(reference), region_target(reference)) == 0


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
