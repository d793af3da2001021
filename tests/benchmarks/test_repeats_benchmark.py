"""Repeats of one head: the same head in another pose, and what is counted as noise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import repeats
from compared_scan import LEFT, judged

from scripts.assets import place
from scripts.simulation.person.head import SimulatedHead
from scripts.sites.compare.placed import placed
from scripts.sites.compare.repeats import read_noise


def test_a_new_pose_moves_the_head_and_changes_nothing_else() -> None:
    affine = np.diag([1.0, 1, 1, 1])
    head = SimulatedHead(*(np.zeros((2, 2, 2), t) for t in (np.float32, np.int16, np.uint8)), np.eye(4), affine)
    moved = repeats.in_new_pose(head, 1)
    np.testing.assert_allclose(moved.to_reference @ moved.affine, head.to_reference @ head.affine, atol=1e-12)
    assert np.abs(moved.affine - head.affine).max() > 0.1
    assert moved.hu is head.hu


def test_protocols_of_a_head_differ_but_for_what_is_the_patient_s() -> None:
    first, second = (repeats.protocol_of(seed, mm) for seed, mm in ((3, 5.0), (3 + repeats.SECOND_SCAN, 2.5)))
    assert first.noise_hu != second.noise_hu
    assert (first.increment_mm, second.increment_mm) == (5.0, 2.5)
    assert {p.metal for p in (first, second)} == {None}
    assert first.motion_mm == second.motion_mm == 0
    assert all(one != other for one, other in repeats.THICKNESSES_MM)


def test_noise_is_of_hemispheres_without_the_lesion(tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = repeats.Measured()
    for seed in (1, 3):
        scans = placed(judged([LEFT], seed=seed)), placed(judged([LEFT], seed=seed + 1, background=0.6))
        found.add(*scans, "left", "00")
    assert {kind: len(pairs) for kind, pairs in found.scores.items()} == {
        "hemisphere_with_lesion": 2,
        "hemisphere": 2,
        "skull": 2,
    }
    assert found.differences == pytest.approx([0.1, 0.1], abs=1e-3)
    assert found.peaks == pytest.approx([-0.1, 0.1, -0.1, 0.1], abs=1e-3)
    assert len(found.volumes) == 2
    assert not found.one_sided
    assert repeats.too_few(found) == ""
    assert "repeatability coefficient" in repeats.report(found)
    assert repeats.picture(found)[:4] == b"\x89PNG"
    path = tmp_path / "noise.json"
    path.write_text(repeats.json_text(repeats.noise(found)))
    assert read_noise(path).peak == pytest.approx(0.1, abs=1e-3)


def test_a_scan_that_another_calibration_judged_is_judged_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = json.loads(Path(place("models/thresholds.json")).read_text(encoding="utf-8"))
    assert not repeats.is_current(tmp_path), "nothing is there"
    record = {"calibration": {name: own[name] for name in repeats.TIES}}
    for folder in (tmp_path / "00" / scan for scan in repeats.SCANS):
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(record))
        assert repeats.is_current(folder)
    judged: list[Path] = []
    head = SimulatedHead(*(np.zeros((2, 2, 2), t) for t in (np.float32, np.int16, np.uint8)), np.eye(4), np.eye(4))
    monkeypatch.setattr(repeats, "load_anatomy", lambda path: None)
    monkeypatch.setattr(repeats, "draw_head", lambda anatomy, seed, **asked: head)
    monkeypatch.setattr(repeats, "judge_scan", lambda head, protocol, seed, output: judged.append(output) or "")
    repeats.draw(tmp_path, tmp_path, 1)
    assert len(judged) == 2, "the truth was not there yet: it was stopped before"
    repeats.draw(tmp_path, tmp_path, 1)
    assert len(judged) == 2
    record["calibration"]["normative_sha256"] = "other"
    (tmp_path / "00" / "second" / "result.json").write_text(json.dumps(record))
    assert not repeats.measure(tmp_path).records
    assert "00: left out" in capsys.readouterr().out
    repeats.draw(tmp_path, tmp_path, 1)
    assert len(judged) == 4


def test_too_few_heads_are_a_sentence() -> None:
    found = repeats.Measured()
    found.add(placed(judged([LEFT], seed=1)), placed(judged([LEFT], seed=2)), "left", "00")
    found.scores[repeats.HEMISPHERE] *= 2
    assert repeats.too_few(found) == (
        "Each kind needs 2 pairs or more. Of this one there are 1: hemisphere with lesion. Draw more heads."
    )


def test_both_hemispheres_count_as_ill_where_the_side_is_not_one() -> None:
    assert repeats.has("left_hemisphere", "both")
    assert repeats.has("left_hemisphere", "left")
    assert not repeats.has("left_hemisphere", "right")
    assert not repeats.has("left_hemisphere", None)
