"""Detections in the brain: what hangs together, where it lies in the scan, and which part saw it."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.anomaly.detections import brain_detections, side_of, voxel_threshold
from scripts.anomaly.scores import Thresholds

STRIDE = 4
SHAPE = (64, 64, 64)
REGIONS = np.zeros(SHAPE, np.uint8)
REGIONS[10:32, 10:54, 10:54], REGIONS[32:54, 10:54, 10:54] = 1, 2
MATRIX = np.eye(4)
MATRIX[:3, 3] = (5, -3, 2)


def test_each_connected_place_above_the_threshold_is_one_detection() -> None:
    anomaly = np.ones(SHAPE, np.float32)
    anomaly[15:18, 20:22, 30:34] = 3
    anomaly[16, 21, 31] = 5
    anomaly[40, 40, 40] = 4
    anomaly[60, 60, 60] = 9  # outside the brain
    position, density = np.zeros((2, *SHAPE), np.float32)
    position[16, 21, 31], density[16, 21, 31] = 4.5, 1.25
    density[40, 40, 40] = 2
    parts = {"position": position, "density": density}
    first, second = brain_detections(anomaly, parts, REGIONS, 2.0, STRIDE, MATRIX)
    assert (first["side"], first["peak"], first["seen_by"]) == ("left", 5, "position")
    assert first["parts"] == {"position": 4.5, "density": 1.25}
    assert first["volume_ml"] == pytest.approx(24 * 64 / 1000, abs=0.01)
    assert first["extent_mm"] == 16
    reference = np.array([16, 21, 31]) * STRIDE - 127.5
    assert first["peak_mm"] == pytest.approx(reference - MATRIX[:3, 3], abs=0.06), "mm of the scan"
    assert first["centre_mm"] == pytest.approx(np.array([16, 20.5, 31.5]) * STRIDE - 127.5 - MATRIX[:3, 3], abs=0.06)
    assert (second["side"], second["seen_by"], second["extent_mm"]) == ("right", "density", 4)
    assert brain_detections(anomaly, parts, REGIONS, 9.5, STRIDE, MATRIX) == []


def test_a_midline_detection_is_on_both_sides() -> None:
    assert side_of(np.uint8([1, 1, 2, 2])) == "both"
    assert side_of(np.uint8([1] * 19 + [2])) == "left"
    assert side_of(np.uint8([2] * 19 + [1])) == "right"


def test_about_five_of_a_hundred_healthy_heads_have_a_place_above_the_threshold() -> None:
    scores = np.random.default_rng(0).random((400, 2))
    lists = {"hemisphere": {"calibrated_maximum": tuple(sorted(scores.ravel()))}}
    threshold = voxel_threshold(Thresholds(lists))
    assert threshold is not None
    assert (scores.max(axis=1) > threshold).mean() == pytest.approx(0.05, abs=0.02)
    assert voxel_threshold(Thresholds({})) is None
