"""The judged scans of a cohort, the calibration that judged them, and lists with lesions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from audited_site import FACTS, HEALTHY, MODELS, SCORE, site_of, write_site

from scripts.anomaly.files import THRESHOLDS_NAME
from scripts.cohort.folder import CohortFolder
from scripts.errors import WrongUsage
from scripts.findings import refusal
from scripts.sites.audit.judged import calibration_of, facts_in_words, read_calibration, reason_code


def test_scores_verdicts_flags_and_refusals(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 30, refused=3))
    assert facts_in_words(site) == {
        "all": 34,
        "judged": 30,
        "refused": 3,
        "failed": 1,
        "without": {},
        "verdicts": {"pass": 28, "review": 2},
        "refusals": {"not_ct": 3},
        "flags": {"thick_slices": 15},
    }
    for scan in site.scans:
        skull = "skull in thick slices" if scan.fact("thickness") == "over 3 mm" else "skull in thin slices"
        assert {kind: len(values) for kind, values in scan.scores.items()} == {"hemisphere": 2, skull: 1}
        assert max(scan.scores[skull]) < 1e6, "the score in use, not that of the map"
    assert site.scans[3].fact("scanner") == "ACME ONE #00aa"
    assert site.scans[3].fact("nothing") == ""


def test_heads_without_a_score_of_their_brain_are_counted(tmp_path: Path) -> None:
    flags = [("metal", "unlike_calibration"), ("unlike_calibration",), ("bone_kernel",)]
    site = site_of(write_site(tmp_path, 30, without=flags))
    assert len(site.scans) == 30
    facts = facts_in_words(site)
    assert (facts["all"], facts["judged"]) == (33, 30)
    assert facts["without"] == {"other": 1, "unlike_calibration": 2}


def test_the_calibration_is_the_one_that_judged(tmp_path: Path) -> None:
    site = site_of(write_site(tmp_path, 30))
    found = site.calibration
    assert found.shipped
    assert found.scans == 84
    assert found.limits["hemisphere"] == HEALTHY.threshold("left_hemisphere", SCORE)
    assert found.above("hemisphere") == 8
    other = tmp_path / "own"
    other.mkdir()
    text = json.loads((MODELS / THRESHOLDS_NAME).read_text())
    (other / THRESHOLDS_NAME).write_text(json.dumps(text))
    with pytest.raises(WrongUsage, match=r"scored by another calibration than the one in .*own\. Name that of the run"):
        calibration_of(CohortFolder(tmp_path / "judged"), other)


def test_a_site_s_own_calibration_in_the_bundle_is_not_called_the_shipped_one(tmp_path: Path) -> None:
    assert read_calibration(MODELS / THRESHOLDS_NAME, SCORE, shipped=True).shipped
    text = json.loads((MODELS / THRESHOLDS_NAME).read_text())
    (tmp_path / THRESHOLDS_NAME).write_text(json.dumps({**text, "source": {"scans": "a folder"}}))
    assert not read_calibration(tmp_path / THRESHOLDS_NAME, SCORE, shipped=True).shipped


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"calibration_sha256": "0" * 64}, r"scored by another calibration than the one in .*models\. Name"),
        ({}, "was scored without a calibration: it has no thresholds to audit"),
    ],
)
def test_another_calibration_or_none_is_a_sentence(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    folder = CohortFolder(tmp_path)
    folder.settle({**FACTS, "settings": settings}, {})
    with pytest.raises(WrongUsage, match=said):
        calibration_of(folder, None)


def test_a_score_without_healthy_ones_and_no_cohort(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"holds no cohort.json: it is no cohort"):
        calibration_of(CohortFolder(tmp_path), None)
    folder = CohortFolder(tmp_path)
    folder.settle({**FACTS, "score": "no_such_score"}, {})
    with pytest.raises(WrongUsage, match="too few healthy scores of no_such_score"):
        calibration_of(folder, None)


@pytest.mark.parametrize(("code", "said"), [("not_ct", "not_ct"), ("corrupt_file", "corrupt_file or corrupt_pixels")])
def test_reasons_are_told_by_their_remedies(code: str, said: str) -> None:
    assert reason_code(str(refusal(code, "The file IM7 says so."))) == said
    assert reason_code("Something else.") == "other"
