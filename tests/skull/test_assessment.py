"""A fractured shell beside healthy ones: score, percentile, and the line from end to end."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from assessed_shell import assessed, calibration, healthy, noisy
from shell_skull import OUTER_MM, bored, cut, grid, shell, slanted, unit

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.assessment import Assessment, assess

pytestmark = pytest.mark.xdist_group("shell_skull")

MIDDLE, ALONG = unit(0.6, 0.3, 0.75), unit(-0.3, 0.9, 0.1)


@cache
def fractured() -> Assessment:
    return assessed(cut(shell(), MIDDLE, ALONG, 50, 1.5))


def test_a_fracture_scores_high_and_its_line_has_two_ends() -> None:
    found = fractured()
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
    usual_one = healthy()
    assert usual_one.scores["score"] < 4
    assert usual_one.numbers["hole_mm"] == 0
    assert (usual_one.detections == []) == (usual_one.scores["score"] <= usual_one.threshold)
    open_skull = assessed(bored(shell(), MIDDLE, 40))
    assert open_skull.defect
    assert [hole.diameter_mm for hole in open_skull.defects] == [open_skull.skull.holes[0].diameter_mm]
    assert open_skull.numbers["hole_mm"] == pytest.approx(40, abs=2.5)


def test_the_threshold_follows_alpha_and_with_it_the_detections() -> None:
    usual_one = fractured()
    wide = assess(noisy(cut(shell(), MIDDLE, ALONG, 50, 1.5)), grid()[0], slanted(), calibration(), alpha=0.5)
    scores = np.sort(calibration().healthy["thin"])
    assert (usual_one.alpha, usual_one.threshold) == (0.05, scores[3])
    assert (wide.alpha, wide.threshold) == (0.5, scores[1])
    assert wide.scores == usual_one.scores
    assert len(wide.detections) >= len(usual_one.detections)
