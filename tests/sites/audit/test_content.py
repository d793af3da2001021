"""The content of an audit: rates beside a slow count, p-values, groups that are large enough, and nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audited_site import SCANNERS, site_of, write_site

from scripts.errors import WrongUsage
from scripts.files.json_text import json_text
from scripts.sites.audit.content import audit_of
from scripts.statistics.standing import clopper_pearson


def test_rates_and_intervals_are_those_of_a_count(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 90, lambda _: 0.3))
    content = audit_of(site, "a score", "1.2.3")
    limit = site.calibration.limits["hemisphere"]
    above = sum(value > limit for scan in site.scans for value in scan.scores["hemisphere"])
    low, high = clopper_pearson(above / 2, 90)
    assert content["rates"]["hemisphere"] == {
        "above": above,
        "of": 180,
        "percent": round(above / 1.8, 1),
        "low": round(100 * low, 1),
        "high": round(100 * high, 1),
    }
    tops = {kind: max(values) for kind, values in site.calibration.healthy.items()}
    beyond = [any(v > tops[kind] for kind, own in scan.scores.items() for v in own) for scan in site.scans]
    assert content["unlike"]["heads"] == sum(beyond)
    assert content["expected_percent"] == 5
    assert content["calibration"]["thresholds"]["hemisphere"] == limit


def test_p_values_are_sorted_and_as_many_as_fit(tmp_path: Path) -> None:
    content = audit_of(site_of(write_site(tmp_path, 40)), "a score", "1")
    curves = content["p_values"]
    assert [len(curves[kind]) for kind in ("hemisphere", "skull")] == [80, 40]
    assert content["groups"]["scanner"][0]["p_values"]["skull"] == sorted(
        content["groups"]["scanner"][0]["p_values"]["skull"]
    )
    many = audit_of(site_of(write_site(tmp_path / "many", 200)), "a score", "1")["p_values"]["hemisphere"]
    assert len(many) == 100
    assert np.abs(np.diff(np.array(many).T)).max() < 0.2


def test_scanners_have_letters_and_small_groups_no_row(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 60))
    scans = [replace(scan, facts={**(scan.facts or {}), "age": ""}) for scan in site.scans[:11]]
    scans += [replace(scan, facts={**(scan.facts or {}), "age": "under 18"}) for scan in site.scans[11:16]]
    site = replace(site, scans=(*scans, *site.scans[16:]))
    content = audit_of(site, "a score", "1")
    assert [row["value"] for row in content["groups"]["scanner"]] == ["A (ACME ONE)", "B (ACME ONE)", "C (OTHER TWO)"]
    rows = {row["value"]: row for row in content["groups"]["age"]}
    ages = [scan.fact("age") for scan in site.scans]
    known = sorted(("40 to 59", "60 to 79", "80 and over"), key=ages.count)
    assert list(rows) == [*sorted(known[1:]), "in smaller groups", "not known"], "5 scans alone could be subtracted"
    assert (rows["in smaller groups"], rows["not known"]) == (
        {"value": "in smaller groups", "scans": 5 + ages.count(known[0])},
        {"value": "not known", "scans": 11},
    )
    text = json.dumps(content)
    assert not [word for word in ("under 18", "case-", *(name.split()[-1] for name in SCANNERS)) if word in text]


def test_a_small_group_is_not_what_totals_leave_over(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 40))

    def audited(sexes: list[str]) -> dict[str, Any]:
        scans = [replace(s, facts={"sex": sex}) for s, sex in zip(site.scans, sexes, strict=True)]
        return audit_of(replace(site, scans=tuple(scans)), "a score", "1")

    content = audited([*"M" * 39, "F"])
    assert content["groups"]["sex"] == [{"value": "in smaller groups", "scans": 40}]
    assert not [test for test in content["tests"] if test["factor"] == "sex"]
    content = audited([*"M" * 20, *"F" * 20])
    assert [row["value"] for row in content["groups"]["sex"]] == ["F", "M"]
    content = audited([*"M" * 20, *"F" * 19, ""])
    assert [row["value"] for row in content["groups"]["sex"]] == ["F", "M", "not known"]


def test_a_few_children_are_not_counted(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 40))
    for count, told in ((7, {}), (8, {"under_18": 8})):
        flags = [("under_18",)] * count + [("metal",)] + [()] * (39 - count)
        scans = [replace(scan, flags=own) for scan, own in zip(site.scans, flags, strict=True)]
        content = audit_of(replace(site, scans=tuple(scans)), "a score", "1")
        assert content["scans"]["flags"] == {**told, "metal": 1}


def test_the_same_site_gives_the_same_bytes(tmp_path: Path) -> None:
    texts = [json_text(audit_of(site_of(write_site(tmp_path / name, 60)), "a score", "1")) for name in ("a", "b")]
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (19, r"19 scans could be judged: too few to say .* up to 18 % is possible. Give at least 20; a group needs 8"),
        (5, r"5 scans could be judged: .*a rate of up to 52 % is possible"),
    ],
)
def test_too_few_scans_are_a_sentence_on_what_they_can_t_tell(tmp_path: Path, count: int, said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        audit_of(site_of(write_site(tmp_path, count)), "a score", "1")


@pytest.mark.parametrize(
    ("refused", "said"),
    [(4, "5 were refused, failed, or have no score"), (0, "1 was refused, failed, or has no score")],
)
def test_none_and_refused_ones_are_told(tmp_path: Path, refused: int, said: str) -> None:
    site = replace(site_of(write_site(tmp_path, 12, refused=refused)), scans=(), failed=1)
    with pytest.raises(WrongUsage, match=rf"0 scans could be judged \({said}\): too few"):
        audit_of(site, "a score", "1")
