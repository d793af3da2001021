"""Two scans of one head: another pose, another protocol, and what is judged again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import repeated_scans
import repeats

from scripts.assets import place
from scripts.simulation.person.head import SimulatedHead


def test_a_new_pose_moves_the_head_and_changes_nothing_else() -> None:
    affine = np.diag([1.0, 1, 1, 1])
    head = SimulatedHead(*(np.zeros((2, 2, 2), t) for t in (np.float32, np.int16, np.uint8)), np.eye(4), affine)
    moved = repeated_scans.in_new_pose(head, 1)
    np.testing.assert_allclose(moved.to_reference @ moved.affine, head.to_reference @ head.affine, atol=1e-12)
    assert np.abs(moved.affine - head.affine).max() > 0.1
    assert moved.hu is head.hu


def test_protocols_of_a_head_differ_but_for_what_is_the_patient_s() -> None:
    first, second = (
        repeated_scans.protocol_of(seed, mm) for seed, mm in ((3, 5.0), (3 + repeated_scans.SECOND_SCAN, 2.5))
    )
    assert first.noise_hu != second.noise_hu
    assert (first.increment_mm, second.increment_mm) == (5.0, 2.5)
    assert {p.metal for p in (first, second)} == {None}
    assert first.motion_mm == second.motion_mm == 0
    assert all(one != other for one, other in repeated_scans.THICKNESSES_MM)


def test_a_scan_that_another_calibration_judged_is_judged_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = json.loads(Path(place("models/thresholds.json")).read_text(encoding="utf-8"))
    assert not repeated_scans.is_current(tmp_path), "nothing is there"
    record = {"calibration": {name: own[name] for name in repeated_scans.TIES}}
    for folder in (tmp_path / "00" / scan for scan in repeated_scans.SCANS):
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(record))
        assert repeated_scans.is_current(folder)
    judged: list[Path] = []
    devices: list[str] = []
    head = SimulatedHead(*(np.zeros((2, 2, 2), t) for t in (np.float32, np.int16, np.uint8)), np.eye(4), np.eye(4))
    monkeypatch.setattr(repeated_scans, "load_anatomy", lambda path: None)
    monkeypatch.setattr(repeated_scans, "draw_head", lambda anatomy, seed, **asked: head)

    def judge_scan(head: SimulatedHead, protocol: object, seed: int, output: Path, device: str) -> str:
        judged.append(output)
        devices.append(device)
        return ""

    monkeypatch.setattr(repeated_scans, "judge_scan", judge_scan)
    repeated_scans.draw(tmp_path, tmp_path, 1, "cuda")
    assert devices == ["cuda", "cuda"]
    assert len(judged) == 2, "the truth was not there yet: it was stopped before"
    repeated_scans.draw(tmp_path, tmp_path, 1)
    assert len(judged) == 2
    record["calibration"]["normative_sha256"] = "other"
    (tmp_path / "00" / "second" / "result.json").write_text(json.dumps(record))
    assert not repeats.measure(tmp_path).records
    assert "00: left out" in capsys.readouterr().out
    repeated_scans.draw(tmp_path, tmp_path, 1)
    assert len(judged) == 4
