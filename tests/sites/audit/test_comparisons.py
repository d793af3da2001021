"""Tests of a site: what they see, what they leave alone, and how they are adjusted together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audited_site import SCANNERS, Higher, site_of, write_site
from scipy.stats import false_discovery_control

from scripts.sites.audit.comparisons import (
    RANK,
    WHOLE,
    Scores,
    SiteTest,
    adjusted,
    all_tests,
    level_tests,
    levels_of,
    site_tests,
    told,
    trend_tests,
)
from scripts.sites.audit.judged import HEMISPHERE


def scores(folder: Path, count: int, higher: Higher = lambda _: 0.0) -> Scores:
    site = site_of(write_site(folder, count, higher))
    return Scores(site.scans, site.calibration)


def test_a_site_like_calibration_has_no_test_that_counts(tmp_path: Path) -> None:
    assert [test for test in all_tests(scores(tmp_path, 120)) if test.counts] == []


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({"a": 40, "b": 38}, ["a", "b"]),
        ({"a": 40, "b": 7}, []),
        ({"a": 40, "b": 38, "c": 1}, ["a"]),
        ({"a": 40, "b": 38, "c": 7, "d": 1}, ["a", "b"]),
        ({"a": 40, "b": 38, "": 3}, ["a", "b"]),
        ({"a": 40, "b": 38, "c": 1, "": 30}, ["a"]),
        ({"b": 8, "a": 8, "c": 1}, ["a"]),
        ({"": 20}, []),
    ],
)
def test_what_is_told_leaves_nothing_small_over(counts: dict[str, int], shown: list[str]) -> None:
    values = [value for value, count in counts.items() for _ in range(count)]
    assert told(values, "sex") == shown
    assert told(values, "scanner") == sorted(v for v, count in counts.items() if v and count >= 8), "no persons"


def test_the_whole_site_higher_or_lower(tmp_path: Path) -> None:
    for way in (1, -1):
        found = adjusted(site_tests(scores(tmp_path / str(way), 120, lambda _, way=way: 0.5 * way)))
        assert all(test.counts and test.effect * way > 0 for test in found if test.what == RANK)


def test_a_scanner_differs_from_the_rest_by_height_share_and_sign(tmp_path: Path) -> None:
    some = scores(tmp_path, 150, lambda facts: 0.6 * (facts["scanner"] == SCANNERS[1]))
    found = {(test.kind, test.what): test for test in level_tests(some, "scanner", SCANNERS[1])}
    assert found["hemisphere", "rank"].p < 1e-4
    assert found["any", "above"].p < 0.01
    assert all(found[key].effect > 0 for key in (("hemisphere", "rank"), ("any", "above")))
    assert found["hemisphere", "rank"].scans == 50


def test_a_spread_is_seen_where_the_middle_stays(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 240))
    middle = np.log(np.median(site.calibration.healthy["hemisphere"]))

    def spread(value: float) -> float:
        return float(np.exp(middle + 2.5 * (np.log(value) - middle)))

    scans = [
        (
            replace(scan, scores={**scan.scores, "hemisphere": tuple(map(spread, scan.scores["hemisphere"]))})
            if scan.fact("sex") == "F"
            else scan
        )
        for scan in site.scans
    ]
    some = Scores(scans, site.calibration)
    assert levels_of(some, "sex") == ["F"], "of two levels the one unlike calibration"
    found = {(test.kind, test.what): test for test in level_tests(some, "sex", "F")}
    assert found["hemisphere", "spread"].p < 1e-4
    assert found["hemisphere", "spread"].effect > 0.5
    assert found["skull in thick slices", "spread"].p > 0.01


def test_small_groups_and_unknown_ones_are_not_compared(tmp_path: Path) -> None:
    some = scores(tmp_path, 21)
    assert levels_of(some, "scanner") == []
    bare = Scores([replace(scan, facts={}) for scan in some.scans], some.calibration)
    assert {test.factor for test in all_tests(bare)} == {WHOLE}
    assert levels_of(scores(tmp_path / "more", 24), "scanner") == list(SCANNERS)


def test_the_trend_along_months(tmp_path: Path) -> None:
    found = trend_tests(scores(tmp_path, 120, lambda facts: 0.08 * int(facts["month"][5:])))
    assert [test.kind for test in found] == ["hemisphere", "skull in thin slices", "skull in thick slices"]
    assert all(test.effect > 0.2 and test.p < 1e-4 for test in found)
    same = scores(tmp_path / "same", 120)
    scans = [replace(scan, facts={**(scan.facts or {}), "month": "2026-01"}) for scan in same.scans]
    assert trend_tests(Scores(scans, same.calibration)) == []


def test_a_constant_score_is_no_difference(tmp_path: Path) -> None:
    some = scores(tmp_path, 60)
    scans = [replace(scan, scores={HEMISPHERE: (1.0, 1.0), "skull": (1.0,)}) for scan in some.scans]
    constant = Scores(scans, some.calibration)
    assert [test.p for test in level_tests(constant, "scanner", SCANNERS[0])] == [1.0] * 5
    assert [(test.effect, test.p) for test in trend_tests(constant)] == [(0.0, 1.0)] * 2


def test_adjustment_is_benjamini_and_hochberg_s_with_the_site_s_tests_weighing_half() -> None:
    def some(factor: str, p: float) -> SiteTest:
        return SiteTest(factor, "x", "skull", RANK, 20, 0.1, p)

    groups = [some("sex", p) for p in (0.001, 0.02, 0.3, 0.9)]
    assert [one.adjusted for one in adjusted(groups)] == pytest.approx(
        false_discovery_control([0.001, 0.02, 0.3, 0.9]).tolist()
    )
    both = adjusted([some(WHOLE, 0.02), *(some("sex", p) for p in (0.02, 0.3, 0.9))])
    assert both[0].adjusted == pytest.approx(0.02 / 2 * 4)
    assert both[1].adjusted > both[0].adjusted
    assert adjusted([]) == []
