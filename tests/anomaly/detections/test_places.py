"""Places in the brain: what hangs together above the threshold, on which side, and which part saw it."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.anomaly.detections.places import brain_places, side_of, voxel_threshold
from scripts.anomaly.scores import Thresholds

STRIDE = 4
SHAPE = (64, 64, 64)
REGIONS = np.zeros(SHAPE, np.uint8)
REGIONS[10:32, 10:54, 10:54], REGIONS[32:54, 10:54, 10:54] = 1, 2


def test_what_hangs_together_above_the_threshold_is_one_place() -> None:
    anomaly = np.ones(SHAPE, np.float32)
    anomaly[15:18, 20:22, 30:34] = 3
    anomaly[16, 21, 31] = 5
    anomaly[40, 40, 40] = 4
    anomaly[60, 60, 60] = 9  # outside the brain
    position, density = np.zeros((2, *SHAPE), np.float32)
    position[16, 21, 31], density[16, 21, 31] = 4.5, 1.25
    density[40, 40, 40] = 2
    parts = {"position": position, "density": density}
    first, second = brain_places(anomaly, parts, REGIONS, 2.0, STRIDE)
    assert (first.peak, first.seen_by, first.parts) == (5, "position", {"position": 4.5, "density": 1.25})
    assert first.peak_voxel.tolist() == [64, 84, 124]
    assert len(first.voxels) == len(first.values) == 24
    assert first.voxels.min(axis=0).tolist() == [60, 80, 120]
    assert first.voxels.max(axis=0).tolist() == [68, 84, 132]
    assert (second.peak, second.seen_by, second.spacing) == (4, "density", STRIDE)
    assert brain_places(anomaly, parts, REGIONS, 9.5, STRIDE) == []


def test_a_midline_place_is_on_both_sides() -> None:
    assert side_of(np.uint8([1, 1, 2, 2])) == "both"
    assert side_of(np.uint8([1] * 19 + [2])) == "left"
    assert side_of(np.uint8([2] * 19 + [1])) == "right"


@pytest.mark.parametrize(("label", "side"), [(1, "left"), (2, "right")])
def test_bone_has_no_side(label: int, side: str) -> None:
    assert side_of(np.uint8([label] * 4 + [3] * 16 + [0] * 5)) == side
    assert side_of(np.uint8([1, 2, 3, 3, 3, 3])) == "both"
    assert side_of(np.uint8([3, 0])) == "both"


def test_about_five_of_a_hundred_healthy_heads_have_a_place_above_the_threshold() -> None:
    scores = np.random.default_rng(0).random((400, 2))
    lists = {"hemisphere": {"calibrated_maximum": tuple(sorted(scores.ravel()))}}
    threshold = voxel_threshold(Thresholds(lists))
    assert threshold is not None
    assert (scores.max(axis=1) > threshold).mean() == pytest.approx(0.05, abs=0.02)
    assert voxel_threshold(Thresholds({})) is None


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.2])
def test_the_share_of_healthy_heads_with_a_place_follows_alpha(alpha: float) -> None:
    scores = np.random.default_rng(1).random((4000, 2))
    lists = {"hemisphere": {"calibrated_maximum": tuple(sorted(scores.ravel()))}}
    threshold = voxel_threshold(Thresholds(lists, alpha=alpha))
    of_two_sides_that_know_nothing_of_each_other = 1 - (1 - alpha / 2) ** 2
    share = (scores.max(axis=1) > threshold).mean()
    assert share == pytest.approx(of_two_sides_that_know_nothing_of_each_other, abs=0.01)
