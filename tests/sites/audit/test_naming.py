"""Which group is named: the right one, beside those on the same scans, and nothing where nothing differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from audited_site import SCANNERS, SCORE, Higher, site_of, write_site

from scripts.sites.audit import naming
from scripts.sites.audit.comparisons import FEWEST_SCANS, Scores, all_tests, trend_tests
from scripts.sites.audit.content import audit_of
from scripts.sites.audit.judged import HEMISPHERE, Scan
from scripts.sites.audit.naming import Explained, explained, without_trend

Change = Callable[[Scan], Scan]


def audited(folder: Path, count: int, higher: Higher = lambda _: 0.0, change: Change = lambda scan: scan) -> Explained:
    """What is responsible at a site, whose facts may be changed after its scores were drawn."""
    site = site_of(write_site(folder, count, higher))
    scores = Scores([change(scan) for scan in site.scans], site.calibration)
    return explained(scores, all_tests(scores))


@pytest.mark.parametrize(
    ("key", "by"),
    [
        (("scanner", SCANNERS[1]), 0.5),
        (("kernel", "H40"), 0.4),
        (("age", "80 and over"), 0.5),
        (("scanner", SCANNERS[2]), -0.5),
    ],
)
def test_the_group_that_was_changed_is_named_and_alone(tmp_path: Path, key: tuple[str, str], by: float) -> None:
    found = audited(tmp_path, 300, lambda facts: by * (facts[key[0]] == key[1]))
    assert [one.key for one in found.named] == [key]
    assert found.alone


def test_nothing_is_named_where_nothing_differs_or_everything_does(tmp_path: Path) -> None:
    for name, by in (("none", 0.0), ("all", 0.5)):
        found = audited(tmp_path / name, 200, lambda _, by=by: by)
        assert found.named == ()
        assert not found.alone


def test_the_trend_is_named(tmp_path: Path) -> None:
    found = audited(tmp_path, 240, lambda facts: 0.07 * int(facts["month"][5:]))
    assert [one.key for one in found.named] == [("month", "")]


def test_a_kernel_that_only_one_scanner_has_is_named_beside_it(tmp_path: Path) -> None:
    def own_kernel(scan: Scan) -> Scan:
        facts = dict(scan.facts or {})
        return replace(scan, facts={**facts, "kernel": "J40" if facts["scanner"] == SCANNERS[1] else "H30"})

    found = audited(tmp_path, 300, lambda facts: 0.5 * (facts["scanner"] == SCANNERS[1]), own_kernel)
    (one,) = found.named
    assert {one.key, *one.same} == {("scanner", SCANNERS[1]), ("kernel", "J40")}
    assert found.alone


def test_a_kernel_that_goes_with_the_scanner_is_not_blamed(tmp_path: Path) -> None:
    random = np.random.default_rng(5)

    def mostly(scan: Scan) -> Scan:
        facts = dict(scan.facts or {})
        share = 0.75 if facts["scanner"] == SCANNERS[1] else 0.2
        return replace(scan, facts={**facts, "kernel": "J40" if random.random() < share else "H30"})

    found = audited(tmp_path, 300, lambda facts: 0.6 * (facts["scanner"] == SCANNERS[1]), mostly)
    assert [one.key for one in found.named] == [("scanner", SCANNERS[1])]


def test_two_causes_are_both_named_and_neither_alone(tmp_path: Path) -> None:
    found = audited(
        tmp_path, 400, lambda facts: 0.7 * (facts["scanner"] == SCANNERS[1]) + 0.7 * (facts["age"] == "80 and over")
    )
    assert {one.key for one in found.named} == {("scanner", SCANNERS[1]), ("age", "80 and over")}


def test_a_rest_that_is_too_small_is_not_judged(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 24))
    scans = []
    for number, scan in enumerate(site.scans):
        women = number % 2 == 0
        raised = {kind: tuple(value * (5 if women else 1) for value in own) for kind, own in scan.scores.items()}
        scans.append(replace(scan, scores=raised, facts={"sex": "F" if women else "M"}))
    site = replace(site, scans=tuple(scans))
    scores = Scores(site.scans, site.calibration)
    found = explained(scores, all_tests(scores))
    assert [one.key for one in found.named] == [("sex", "F")]
    assert found.left == 12 < FEWEST_SCANS
    assert found.rest == ()
    assert not found.alone
    said = audit_of(site, SCORE, "0")["sentences"]
    assert "Without them 12 scans are left: too few to compare with calibration." in said
    assert not any("alone" in sentence for sentence in said)


def test_the_slope_of_a_large_site_is_that_of_some_of_its_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(write_site(tmp_path, 240, lambda facts: 0.07 * int(facts["month"][5:])))
    scores = Scores(site.scans, site.calibration)
    of_all = without_trend(scores)
    monkeypatch.setattr(naming, "MOST_FOR_SLOPE", 120)
    some, again = without_trend(scores), without_trend(scores)
    taken_off = [scores.value[HEMISPHERE] - one.value[HEMISPHERE] for one in (of_all, some, again)]
    assert 0 < abs(taken_off[1] - taken_off[0]).max() < 0.4 * abs(taken_off[0]).max()
    np.testing.assert_array_equal(taken_off[1], taken_off[2])


def test_a_trend_is_taken_off(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 240, lambda facts: 0.07 * int(facts["month"][5:])))
    scores = Scores(site.scans, site.calibration)
    before, after = trend_tests(scores)[0], trend_tests(without_trend(scores))[0]
    assert abs(after.effect) < 0.3 * before.effect
