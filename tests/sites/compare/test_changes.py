"""Detections of two scans matched: new, gone, grown, smaller, as before, unseen; against the noise of repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from compared_scan import LEFT, NOISE, RIGHT, Ball, judged

from scripts.sites.compare import changes as changed
from scripts.sites.compare.changes import Change, changes, grouped
from scripts.sites.compare.placed import placed

DENT_MM, ELSEWHERE_MM = (-62.0, 10.0, 20.0), (-40.0, -50.0, 30.0)


def found(before: list[Ball], after: list[Ball], noise: object = NOISE, **after_more: object) -> list[Change]:
    scans = placed(judged(before, seed=1)), placed(judged(after, seed=2, **after_more))  # type: ignore[arg-type]
    return changes(*scans, noise)  # type: ignore[arg-type]


def test_new_and_gone_are_told_and_lie_in_reference_space() -> None:
    new, gone = found([LEFT], [RIGHT])
    assert (new.kind, gone.kind) == ("new", "gone")
    assert new.beyond is gone.beyond is True
    np.testing.assert_allclose(new.at_mm, RIGHT.at_mm, atol=0.1)
    np.testing.assert_allclose(gone.at_mm, LEFT.at_mm, atol=0.1)
    assert new.peaks[0] == pytest.approx(0.5, abs=0.01)
    assert new.peaks[1] == pytest.approx(9.0, abs=0.01)
    assert new.volumes_ml[0] is None
    assert gone.volumes_ml[1] is None


@pytest.mark.parametrize(
    ("radius", "kind", "beyond"), [(14.0, "same", False), (14.5, "same", False), (17.0, "grown", True)]
)
def test_growth_is_told_beyond_the_noise_only(radius: float, kind: str, beyond: bool) -> None:
    (change,) = found([RIGHT], [replace(RIGHT, radius_mm=radius)])
    assert (change.kind, change.beyond) == (kind, beyond)
    (back,) = found([replace(RIGHT, radius_mm=radius)], [RIGHT])
    assert (back.kind, back.beyond) == (kind.replace("grown", "shrunken"), beyond)


def test_what_was_just_below_the_threshold_is_new_by_no_more_than_noise() -> None:
    (change,) = found([replace(RIGHT, heat=2.4)], [replace(RIGHT, heat=3.0)])
    assert (change.kind, change.beyond) == ("new", False)
    assert change.peaks == pytest.approx((2.4, 3.0), abs=0.01)


def test_without_noise_nothing_is_judged() -> None:
    new, listed = found([LEFT], [RIGHT, replace(LEFT, radius_mm=20.0)], noise=None)
    assert (new.kind, new.beyond) == ("new", None)
    assert (listed.kind, listed.beyond) == ("listed", None)


def test_a_place_that_fell_apart_is_one_change() -> None:
    parts = [Ball((30.0, 8.0, 10.0), 8.0), Ball((30.0, -8.0, 10.0), 8.0)]
    (change,) = found([RIGHT], parts)
    assert (len(change.before), len(change.after), change.kind) == (1, 2, "shrunken")
    assert change.volumes_ml[1] == pytest.approx(2 * parts[0].radius_mm ** 3 * 4 / 3 * np.pi / 1000, rel=0.01)


def test_what_the_other_scan_does_not_show_is_neither_new_nor_gone() -> None:
    high = Ball((20.0, 0.0, 35.0))
    scans = placed(judged([high], seed=0)), placed(judged([], seed=0))
    scans[1].brain[:, :, 70:] = 0
    (change,) = changes(*scans, NOISE)
    assert (change.kind, change.beyond) == ("unseen", None)


def test_dents_are_matched_by_their_place() -> None:
    before = placed(judged(seed=1, dents_mm=[DENT_MM]))
    near = (DENT_MM[0], DENT_MM[1] + 6, DENT_MM[2])
    (listed,) = changes(before, placed(judged(seed=2, dents_mm=[near])), NOISE)
    assert (listed.kind, listed.region, listed.peaks) == ("listed", "skull", (8.0, 8.0))
    new, gone = changes(before, placed(judged(seed=2, dents_mm=[ELSEWHERE_MM])), NOISE)
    assert (new.kind, new.peaks) == ("new", (None, 8.0))
    assert (gone.kind, gone.beyond) == ("gone", True)  # 8.0 is 2.0 over the threshold, repeats differ by 0.8


def test_a_skull_that_was_not_judged_tells_nothing_of_a_dent() -> None:
    result = judged(seed=2)
    result.record["scores"]["skull"] = None
    (change,) = changes(placed(judged(seed=1, dents_mm=[DENT_MM])), placed(result), NOISE)
    assert change.kind == "unseen"


def test_a_bleed_whose_heat_neither_scan_tells_is_listed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed, "heat_in", lambda scan, mask: None)
    (change,) = found([], [RIGHT])
    assert change.peaks == (None, None)
    monkeypatch.setattr(changed, "heat_in", lambda scan, mask: 0.0)
    assert [one.peaks for one in found([], [RIGHT])] == [(0.0, 0.0)]


def test_groups_hang_together_through_others() -> None:
    links = {(0, 0), (1, 0), (1, 1), (3, 2)}
    groups = grouped(4, 4, lambda i, j: (i, j) in links)
    assert sorted(groups) == [([], [3]), ([0, 1], [0, 1]), ([2], []), ([3], [2])]
