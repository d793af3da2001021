"""The difference of two maps: where something is new it rises, where something is gone it falls, elsewhere nothing."""

from __future__ import annotations

import numpy as np
from compared_scan import LEFT, RIGHT, judged

from scripts.sites.compare.changed_map import difference, extremes
from scripts.sites.compare.placed import placed


def test_what_is_new_rises_and_what_is_gone_falls() -> None:
    found = extremes(difference(placed(judged([LEFT], seed=1)), placed(judged([RIGHT], seed=2))))
    right, left = found["right_hemisphere"], found["left_hemisphere"]
    assert right is not None
    assert left is not None
    assert 7.5 < right.rise <= 8.5
    assert right.fall < 0.2
    assert 7.5 < left.fall <= 8.5
    assert left.rise < 0.2
    assert np.linalg.norm(np.subtract(right.rise_mm, RIGHT.at_mm)) < 10
    assert np.linalg.norm(np.subtract(left.fall_mm, LEFT.at_mm)) < 10


def test_an_unchanged_head_in_two_poses_differs_by_little_and_beside_its_lesion_by_nothing() -> None:
    found = extremes(difference(placed(judged([LEFT], seed=1)), placed(judged([LEFT], seed=2))))
    assert found["left_hemisphere"] is not None
    assert found["left_hemisphere"].largest < 2.5
    assert found["right_hemisphere"] is not None
    assert found["right_hemisphere"].largest < 1e-4


def test_what_only_one_scan_shows_is_no_difference() -> None:
    whole, cut = judged([RIGHT], seed=0), judged([RIGHT], seed=0, lowest_mm=-10.0)
    found = difference(placed(whole), placed(cut))
    assert np.abs(found.values[found.brain == 0]).max() == 0
    assert 0 < (found.brain > 0).sum() < 0.7 * (placed(whole).brain > 0).sum()
    right = extremes(found)["right_hemisphere"]
    assert right is not None
    assert right.largest < 1.0


def test_a_hemisphere_that_is_in_neither_scan_has_no_extremes() -> None:
    scan = placed(judged())
    found = difference(scan, scan)
    found.brain[found.brain == 1] = 0
    assert extremes(found)["left_hemisphere"] is None
    right = extremes(found)["right_hemisphere"]
    assert right is not None
    assert (str(right.rise), str(right.fall)) == ("0.0", "0.0")  # and not -0.0
