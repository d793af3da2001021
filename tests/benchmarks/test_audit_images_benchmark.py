"""The benchmark of drifts in images: which scans it draws, what a sharp kernel does, and both of its tables."""

from __future__ import annotations

import json
from pathlib import Path

import audit_images
import numpy as np
import pytest
from audit_images import COHORT, PAIRS_NAME, SITE_NAME, pairs_table, site_table, write_list
from audited_site import FACTS, MODELS, details_of
from drifts import DRIFTS, Planned, brighter, noisier, scans_in_pairs, scans_of_a_site, sharpened

from scripts.anomaly.files import THRESHOLDS_NAME
from scripts.cohort.folder import CohortFolder
from scripts.cohort.table import Row
from scripts.simulation.scanner.protocol import Protocol
from scripts.simulation.scanner.scan import PADDING_HU, Scan
from scripts.sites.audit.judged import HEMISPHERE, read_calibration

SCORE = str(FACTS["score"])


def test_at_a_site_every_scan_has_a_head_of_its_own_and_in_pairs_the_scanners_share_them() -> None:
    site, pairs = scans_of_a_site(12, list(DRIFTS)), scans_in_pairs(2)
    assert len({one.seed for one in site.values()}) == len(site) == 60
    for scanner in DRIFTS:
        own = [one for one in site.values() if one.scanner == scanner]
        assert sorted(one.thickness_mm for one in own) == [3.0] * 6 + [5.0] * 6
        assert len({(one.anatomy, one.thickness_mm) for one in own}) == 12
    assert [case for case in pairs if case.startswith("A_00")] == ["A_00", *(f"A_00_by_{name}" for name in "BCDE")]
    assert len({one.seed for one in pairs.values()}) == 2
    assert pairs["A_01"] == site["A_01"]


def test_protocols_drift() -> None:
    usual = Protocol()
    assert brighter(usual).offset_hu == usual.offset_hu + 12
    assert noisier(usual).noise_hu == 3 * usual.noise_hu


def test_a_sharp_kernel_raises_noise_and_edges_and_leaves_what_is_not_known() -> None:
    hu = np.full((40, 40, 2), 30, dtype=np.int16)
    hu[20:] = 80
    hu[:, :, 1] += np.random.default_rng(0).normal(0, 5, (40, 40)).astype(np.int16)
    hu[0] = PADDING_HU
    found = sharpened(Scan(hu, np.diag([0.5, 0.5, 5.0, 1.0]))).hu
    assert (found[0] == PADDING_HU).all()
    assert found[5:12, 5:35, 1].std() > 2 * hu[5:12, 5:35, 1].std()
    assert found[20, 20, 0] > 90
    assert found[19, 20, 0] < 20
    assert found[30, 20, 0] == 80


def judged(work: Path, scans: dict[str, Planned], factors: dict[str, float]) -> None:
    """Write a row for each scan into the tables, with scores that are higher by the factor of its scanner."""
    folder, random = CohortFolder(work / COHORT), np.random.default_rng(1)
    folder.settle(FACTS, {})
    rows = []
    for case, one in scans.items():
        usual = {"left_hemisphere": 1.2, "right_hemisphere": 1.2, "skull": 3.5}
        factor = factors.get(one.scanner, 1.0)
        values = {region: factor * value * float(np.exp(random.normal(0, 0.3))) for region, value in usual.items()}
        rows.append(Row(case, "done", "", values, details_of(values, "thick"), 1.0))
    folder.write_table(rows)


def test_pairs_say_how_many_deviations_a_drift_moves_scores_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = read_calibration(MODELS / THRESHOLDS_NAME, SCORE, True)
    deviation = float(np.log(calibration.healthy[HEMISPHERE]).std())
    scans = scans_in_pairs(2)
    write_list(tmp_path / PAIRS_NAME, scans)

    def row(_: CohortFolder, case: str) -> Row | None:
        moved = 2 * deviation * (scans[case].scanner == "D")
        values = dict.fromkeys(("left_hemisphere", "right_hemisphere", "skull"), float(np.exp(moved)))
        return None if case == "A_01_by_E" else Row(case, "done", "", values, details_of(values, "thick"), 1.0)

    monkeypatch.setattr(CohortFolder, "row", row)
    found = {line[0]: line[1:] for line in pairs_table(tmp_path, calibration).rows}
    assert found["sharp kernel"][:2] == (2, "+2.00 (+2.00 to +2.00)")
    assert found["+12 HU"][:2] == (2, "+0.00 (+0.00 to +0.00)")
    assert found["aged heads"][0] == 1


def test_the_site_is_audited_two_scanners_at_a_time_and_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = scans_of_a_site(12, ["A", "B", "D"])
    write_list(tmp_path / SITE_NAME, scans)
    real = audit_images.main_of

    def stand_in(words: list[str]) -> int:
        if words[0] == "audit":
            return real(words)
        assert words[0] == "cohort"
        listed = [item["case"] for item in audit_images.items_of(Path(words[1]))]
        judged(tmp_path, {case: scans[case] for case in listed}, {"D": 3.0})
        for case in listed:
            folder = tmp_path / COHORT / "cases" / case
            folder.mkdir(parents=True, exist_ok=True)
            quality = {"brain_hu": 30.0 + scans[case].turn % 3 + 12 * (scans[case].scanner == "B")}
            (folder / "result.json").write_text(json.dumps({"quality": quality}))
        return 0

    monkeypatch.setattr(audit_images, "main_of", stand_in)
    found = {line[0]: line[1:] for line in site_table(tmp_path).rows}
    assert (found["sharp kernel"][0], *found["sharp kernel"][-2:]) == ("12 + 12", "scanner B (D)", "nothing")
    assert (found["+12 HU"][0], *found["+12 HU"][-2:]) == ("12 + 12", "nothing", "A: darker"), "one of two"
    assert found["all of them"][0] == "12 + 12 + 12"
    assert found["all of them"][-2:] == ("scanner C (D)", "B: brighter")
    assert "Scanner B (D)" in capsys.readouterr().out
