"""The benchmark of the audit: drawn sites are what they say, and a wrong audit would be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audit import SCORE, SITES, THICK, THIN, audited, drawn_calibration, drawn_scores, drawn_site, quantiles, with_looks
from scripts.anomaly.files import THRESHOLDS_NAME
from scripts.assets import place
from scripts.sites.audit import naming
from scripts.sites.audit.judged import Calibration, read_calibration


@pytest.fixture(scope="module")
def healthy() -> Calibration:
    return read_calibration(Path(place("models")) / THRESHOLDS_NAME, SCORE, True)


def test_drawn_scores_have_the_distribution_of_the_healthy_ones(healthy: Calibration) -> None:
    drawn = np.exp(drawn_scores(20000, healthy, np.random.default_rng(0)))
    for column, kind in ((0, "hemisphere"), (1, "hemisphere"), (2, THICK)):
        for share in (0.1, 0.5, 0.9):
            known = np.quantile(healthy.healthy[kind], share)
            assert np.quantile(drawn[:, column], share) == pytest.approx(known, rel=0.06)
    assert 0.5 < np.corrcoef(np.log(drawn[:, 0]), np.log(drawn[:, 1]))[0, 1] < 0.8
    rising = quantiles(healthy.healthy[THICK])(np.linspace(-4, 4, 200))
    assert (np.diff(rising) >= 0).all()


def test_a_drawn_calibration_is_another_one_of_the_same_size(healthy: Calibration) -> None:
    drawn = drawn_calibration(healthy, np.random.default_rng(0))
    assert {kind: len(values) for kind, values in drawn.healthy.items()} == {"hemisphere": 168, THICK: 54}
    assert drawn.limits["hemisphere"] != healthy.limits["hemisphere"]


@pytest.mark.parametrize("name", [name for name in SITES if name not in ("none", "noise")])
def test_each_site_is_named_in_most_draws_and_none_where_nothing_differs(healthy: Calibration, name: str) -> None:
    random = np.random.default_rng(7)
    found = [audited(name, drawn_site(name, 300, healthy, random), healthy) for _ in range(4)]
    assert sum(one.right for one in found) >= 3
    assert not any(one.silent for one in found)
    quiet = [audited("none", drawn_site("none", 300, healthy, random), healthy) for _ in range(2)]
    assert not any(one.right for one in quiet)


def test_negative_control_an_audit_that_names_the_wrong_one_is_seen(
    healthy: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "_further", lambda scores, key: key[0] == "sex")
    found = audited("offset", drawn_site("offset", 300, healthy, np.random.default_rng(7)), healthy)
    assert not found.right
    assert not found.silent


def test_measures_of_images_differ_by_thickness_alone_and_one_that_is_named_ends_the_silence(
    healthy: Calibration,
) -> None:
    scans = with_looks(drawn_site("none", 300, healthy, np.random.default_rng(7)), np.random.default_rng(1))
    noise = {
        thin: [(scan.looks or {})["noise_hu"] for scan in scans if (scan.fact("thickness") == THIN) is thin]
        for thin in (True, False)
    }
    assert np.mean(noise[True]) / np.mean(noise[False]) == pytest.approx(2.5, rel=0.1)
    assert audited("none", scans, healthy).silent_of_images
    brighter = [
        replace(scan, looks={**(scan.looks or {}), "brain_hu": 31.0 + 9 * (scan.fact("scanner") == "BETA")})
        for scan in scans
    ]
    found = audited("none", brighter, healthy)
    assert (found.silent, found.silent_of_images) == (True, False)


def test_a_smaller_shift_raises_the_group_that_drifts_and_nothing_else(healthy: Calibration) -> None:
    still, moved = (drawn_site("offset", 60, healthy, np.random.default_rng(3), by) for by in (0.0, 0.5))
    deviation = float(np.log(healthy.healthy["hemisphere"]).std())
    for before, after in zip(still, moved, strict=True):
        ratio = np.log(after.of("hemisphere")) - np.log(before.of("hemisphere"))
        expected = 0.5 * deviation * (before.fact("scanner") == "BETA")
        assert ratio == pytest.approx([expected, expected], abs=1e-9)
    assert {scan.fact("scanner") for scan in still} == {"ALPHA", "BETA", "GAMMA"}
