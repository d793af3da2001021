"""The sentences of audits, as a reader gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from audited_site import SCANNERS, Higher, site_of, write_site

from scripts.sites.audit.content import audit_of
from scripts.sites.audit.judged import HEMISPHERE
from scripts.sites.audit.page import audit_page


def said(folder: Path, count: int, higher: Higher = lambda _: 0.0, refused: int = 0) -> str:
    return "\n".join(audit_of(site_of(write_site(folder, count, higher, refused=refused)), "s", "1")["sentences"])


def test_a_scanner_that_is_responsible(tmp_path: Path) -> None:
    text = said(tmp_path, 300, lambda facts: 0.5 * (facts["scanner"] == SCANNERS[1]))
    assert "Scanner B (ACME ONE) alone is responsible: " in text
    assert "% of 100 scans have a score above its threshold, against " in text
    assert " of the other 200 (adjusted p below 0.001)" in text
    assert "Without them, the other 200 scans can't be told from calibration." in text
    assert text.endswith("Calibrate with scans of that group among the others, or give it a calibration of its own.")


def test_a_site_that_is_higher_as_a_whole(tmp_path: Path) -> None:
    text = said(tmp_path, 200, lambda _: 0.5)
    assert "of 400 healthy hemispheres lie above, not 5 %: too many false alarms." in text
    assert "Scores of skulls in thick slices are higher than those of calibration: in " in text
    assert "responsible" not in text
    assert text.endswith("Recalibrate on healthy scans of your own: head-ct-anomaly calibrate.")
    site = site_of(tmp_path)
    own = audit_of(replace(site, calibration=replace(site.calibration, shipped=False)), "s", "1")
    assert own["sentences"][-1] == "Recalibrate on more scans, these among them: head-ct-anomaly calibrate."


def test_a_site_that_is_lower_as_a_whole(tmp_path: Path) -> None:
    text = said(tmp_path, 600, lambda _: -0.9)
    assert "not 5 %: it is too high to find what could be found." in text
    assert "Scores of hemispheres are lower than those of calibration" in text


def test_a_second_group_is_told_beside_the_scans_that_are_left(tmp_path: Path) -> None:
    def higher(facts: Mapping[str, str]) -> float:
        return 0.9 * (facts["scanner"] == SCANNERS[1]) + 0.6 * (facts["age"] == "80 and over")

    site = site_of(write_site(tmp_path, 400, higher))
    text = "\n".join(audit_of(site, "s", "1")["sentences"])
    shares = []
    for old in (True, False):
        scans = [s for s in site.scans if (s.fact("age") == "80 and over") == old and s.fact("scanner") != SCANNERS[1]]
        limits = site.calibration.limits
        above = sum(any(v > limits[kind] for kind, own in s.scores.items() for v in own) for s in scans)
        shares.append((f"{100 * above / len(scans):.0f} %", len(scans)))
    (old, count), (other, rest) = shares
    assert text.index("Scanner B (ACME ONE) is responsible") < text.index("Age 80 and over is responsible")
    assert (
        f"Age 80 and over is responsible: {old} of {count} scans have a score above its threshold, "
        f"against {other} of the other {rest} that are left (adjusted p"
    ) in text
    assert text.count("that are left") == 1


def test_the_skulls_of_one_kind_that_differ_are_told_alone(tmp_path: Path) -> None:
    """Thick slices have too many false alarms, thin ones none: together they would have as many as expected."""
    site = site_of(write_site(tmp_path, 100))
    thick, limits = "skull in thick slices", site.calibration.limits
    scans, number = [], 0
    for scan in site.scans:
        kind = next(kind for kind in scan.scores if kind != HEMISPHERE)
        number += kind == thick
        above = kind == thick and number % 3 == 0
        scans.append(replace(scan, scores={**scan.scores, kind: (limits[kind] * (2 if above else 0.5),)}))
    text = "\n".join(audit_of(replace(site, scans=tuple(scans)), "s", "1")["sentences"])
    share = 100 * (number // 3) / number
    assert f"At the shipped threshold {share:.0f} % [" in text
    assert f"of {number} healthy skulls in thick slices lie above, not 5 %: too many false alarms." in text


def test_a_trend(tmp_path: Path) -> None:
    text = said(tmp_path, 240, lambda facts: 0.07 * int(facts["month"][5:]))
    assert "rise from month to month (Kendall's tau +0." in text
    assert text.endswith("Find the change, then calibrate on scans from after it.")


def test_nothing_that_differs(tmp_path: Path) -> None:
    text = said(tmp_path, 60, refused=2)
    assert "for a threshold from 84 healthy scans, that can't be told from 5 %." in text
    assert "2 of 63 scans were refused: not ct (2).\n1 scan failed and had no part in this." in text
    assert "The pose of 3 of 60 scans is for review, or not confirmed." in text
    assert "Nothing in these scans speaks against the thresholds. What they allow is a rate of false alarms" in text


def test_heads_that_calibration_does_not_know(tmp_path: Path) -> None:
    flags = [("unlike_calibration",), ("unlike_calibration",), ("bone_kernel",)]
    content = audit_of(site_of(write_site(tmp_path, 30, refused=1, without=flags)), "s", "1")
    text = "\n".join(content["sentences"])
    why = "being unlike all of calibration everywhere: the rates are of the others."
    assert f"2 more heads have no score of the brain, {why}" in text
    assert (
        "1 of 35 scans were refused: not ct (1).\n1 scan without a score of a hemisphere had no part in this." in text
    )
    assert content["unlike"]["without_score"] == 2
    assert (
        '<th scope="row">brain without a score: unlike calibration</th><td class="number">2</td>'
        in audit_page(content).decode()
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "Not known, and so not compared: scanner, kernel, thickness, age, sex. A table can say them: --groups."),
        ({"sex": "F"}, "Fewer than two groups of 8 scans or more, and so not compared: sex."),
        ({"month": "2026-01"}, "No trend can be seen: it takes 20 scans of known month, from 3 different ones."),
    ],
)
def test_what_can_t_be_said(tmp_path: Path, facts: dict[str, str], words: str) -> None:
    site = site_of(write_site(tmp_path, 40))
    scans = tuple(replace(scan, facts=facts) for scan in site.scans)
    assert words in audit_of(replace(site, scans=scans), "s", "1")["sentences"]


def test_a_calibration_of_one_s_own_and_no_skull(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 40))
    scans = tuple(replace(scan, scores={HEMISPHERE: scan.of(HEMISPHERE)}) for scan in site.scans)
    site = replace(site, scans=scans, calibration=replace(site.calibration, shipped=False))
    text = "\n".join(audit_of(site, "s", "1")["sentences"])
    assert "At the threshold of this calibration " in text
    assert "No scan has a score of the skull: nothing can be said of its threshold." in text


def test_a_few_skulls_and_a_scanner_that_is_called_like_a_number(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 40))
    some = [
        scan if number < 5 else replace(scan, scores={HEMISPHERE: scan.of(HEMISPHERE)})
        for number, scan in enumerate(site.scans)
    ]
    scans = tuple(replace(scan, facts={"scanner": f"room {1000 + number % 2}"}) for number, scan in enumerate(some))
    content = audit_of(replace(site, scans=scans), "s", "1")
    assert "of 5 healthy skulls lie above: too few to compare with 5 %, which takes 8 scans." in "\n".join(
        content["sentences"]
    )
    assert [row["value"] for row in content["groups"]["scanner"]] == ["A (room 1000)", "B (room 1001)"]
