"""A fractured shell beside healthy ones: score, percentile, and the line from end to end."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from shell_skull import OUTER_MM, bored, cut, grid, shell, slanted, unit, usual

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.assessment import Assessment, assess
from scripts.skull.atlas import atlas
from scripts.skull.calibration import cross_fitted, image_of
from scripts.skull.files import CLASSES, Calibration
from scripts.skull.measure import measure

MIDDLE, ALONG = unit(0.6, 0.3, 0.75), unit(-0.3, 0.9, 0.1)


def noisy(hu: NDArray[np.floating], seed: int) -> NDArray[np.float32]:
    return (hu + np.random.default_rng(seed).normal(0, 8, hu.shape)).astype(np.float32)


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    skulls = [measure(noisy(shell(), seed), grid()[0], slanted(), usual()) for seed in range(4)]
    healthy = [image_of(skull.maps, skull.known, atlas()) for skull in skulls]
    found, scores = cross_fitted(healthy, ["a", "b", "c", "d"])
    return Calibration(usual(), dict.fromkeys(CLASSES, found), dict.fromkeys(CLASSES, np.array(scores)))


def assessed(hu: NDArray[np.floating]) -> Assessment:
    return assess(noisy(hu, 9), grid()[0], slanted(), calibration())


def test_a_fracture_scores_high_and_its_line_has_two_ends() -> None:
    found = assessed(cut(shell(), MIDDLE, ALONG, 50, 1.5))
    assert found.percentile == 100
    assert found.numbers["skull_score"] == round(max(found.scores.values()), 3) > 5
    assert found.numbers["line_mm"] == pytest.approx(50, abs=3)
    ends = found.ends_mm - np.array(CENTRE_MM)
    run = OUTER_MM * np.arctan2(ends @ (ALONG - MIDDLE * (ALONG @ MIDDLE)), ends @ MIDDLE)
    np.testing.assert_allclose(np.sort(run), [-25, 25], atol=3)
    assert not found.defect
    assert found.values.max() == pytest.approx(found.scores["score"], rel=1e-4)
    assert found.detections[0].peak == pytest.approx(found.scores["score"], rel=1e-4)
    assert all(one.peak > found.threshold for one in found.detections)


def test_a_healthy_shell_scores_like_the_others_and_a_defect_is_told_apart() -> None:
    healthy = assessed(shell())
    assert healthy.scores["score"] < 4
    assert healthy.numbers["hole_mm"] == 0
    assert (healthy.detections == []) == (healthy.scores["score"] <= healthy.threshold)
    open_skull = assessed(bored(shell(), MIDDLE, 40))
    assert open_skull.defect
    assert [hole.diameter_mm for hole in open_skull.defects] == [open_skull.skull.holes[0].diameter_mm]
    assert open_skull.numbers["hole_mm"] == pytest.approx(40, abs=2.5)


def test_the_threshold_follows_alpha_and_with_it_the_detections() -> None:
    hu = noisy(cut(shell(), MIDDLE, ALONG, 50, 1.5), 9)
    usual_one = assess(hu, grid()[0], slanted(), calibration())
    wide = assess(hu, grid()[0], slanted(), calibration(), alpha=0.5)
    healthy = np.sort(calibration().healthy["thin"])
    assert (usual_one.alpha, usual_one.threshold) == (0.05, healthy[3])
    assert (wide.alpha, wide.threshold) == (0.5, healthy[1])
    assert wide.scores == usual_one.scores
    assert len(wide.detections) >= len(usual_one.detections)
