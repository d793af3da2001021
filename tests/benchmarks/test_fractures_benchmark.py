"""The plan of the fractures' benchmark and its tables."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from scripts.files.nifti import nifti_bytes
from scripts.findings import InputRefused
from skull.draw import CLASSES_MM, KINDS, ROTATION_ERROR_DEG, SHIFT_ERROR_MM, case_name, pairs, pose_error
from skull.judge import Judged, class_of, table
from skull.measured import scan_of
from skull.registered import found_matrix
from skull.taken import take_scans

NAMES = ["a", "b", "c", "d"]


def test_pairs_take_turns_over_anatomies_kinds_and_sides() -> None:
    chosen = list(pairs(NAMES, 6, 100))
    assert Counter(pair.anatomy for pair in chosen) == dict.fromkeys(NAMES, 6)
    assert Counter(pair.kind for pair in chosen) == dict.fromkeys(KINDS, 8)
    for kind in KINDS:
        assert set(Counter(pair.side for pair in chosen if pair.kind == kind)) == {"left", "right"}
    names = {case_name(p, kind, slices) for p in chosen for kind in (None, p.kind) for slices in CLASSES_MM}
    assert len(names) == len(chosen) * 6


def test_errors_of_the_pose_have_their_size() -> None:
    rng = np.random.default_rng(0)
    errors = [pose_error(rng) for _ in range(2000)]
    shifts = [np.linalg.norm(error[:3, 3]) for error in errors]
    angles = [np.rad2deg(Rotation.from_matrix(error[:3, :3]).magnitude()) for error in errors]
    assert abs(np.sqrt(np.mean(np.square(shifts))) - SHIFT_ERROR_MM) < 0.1
    assert abs(np.sqrt(np.mean(np.square(angles))) - ROTATION_ERROR_DEG) < 0.1


def judged(anatomy: str, kind: str | None, score: float, away_mm: float | None = None) -> Judged:
    scores = dict.fromkeys(("lines", "wide", "dents", "score"), score)
    return Judged(anatomy, kind, "thin", scores, 2.0, away_mm)


def test_the_tables_say_what_was_found_and_where() -> None:
    cases = [judged(name, None, value) for name, value in zip(NAMES, (0.0, 1.0, 1.5, 2.5), strict=True)]
    cases += [judged(name, kind, 3.0, away) for kind in KINDS for name, away in zip(NAMES, (1, 5, 20, 9), strict=True)]
    text = table(cases)
    assert "| score | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |" in text
    assert "| thin | 12 / 4 | 1.00 | 1.00 | 1.00 | 1.00 [1.00, 1.00] | 100 % | 75 % | 75 % |" in text


def test_slices_4_mm_apart_or_more_belong_to_the_thick_class() -> None:
    assert [class_of({"increment_mm": distance}) for distance in (1.0, 3.0, 4.0, 5.0)] == ["thin"] * 2 + ["thick"] * 2


def test_the_scans_of_another_benchmark_become_healthy_cases_unless_they_are_fractured(tmp_path: Path) -> None:
    for name, kind in (("a_1_healthy", None), ("a_2_infarct", "infarct"), ("a_3_linear_fracture", "linear_fracture")):
        folder = tmp_path / "scans" / name
        folder.mkdir(parents=True)
        truth = {"anatomy": "a", "seed": 7, "lesion": kind, "to_reference": np.eye(4).tolist()}
        truth["protocol"] = {"thickness_mm": 5.0, "increment_mm": 5.0}
        (folder / "truth.json").write_text(json.dumps(truth))
        hu = np.zeros((3, 4, 5), np.int16)
        (folder / "scan.nii.gz").write_bytes(nifti_bytes(hu, np.diag([1.0, 2.0, 5.0, 1.0])))
    assert take_scans(tmp_path / "scans", tmp_path / "cases") == 2
    assert take_scans(tmp_path / "scans", tmp_path / "cases") == 0
    hu, affine, matrix = scan_of(tmp_path / "cases" / "a_2_infarct.npz")
    assert hu.shape == (3, 4, 5)
    np.testing.assert_allclose(affine, np.diag([1.0, 2.0, 5.0, 1.0]))
    assert 0 < np.linalg.norm(matrix[:3, 3]) < 15
    with np.load(tmp_path / "cases" / "a_2_infarct.npz") as case:
        truth = json.loads(str(case["truth"]))
        assert len(case["lesion_mm"]) == 0
    assert (truth["kind"], truth["increment_mm"]) == (None, 5.0)


def test_a_pose_is_found_once_and_a_refused_scan_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def register(volume: object, *_: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise InputRefused([])
        return SimpleNamespace(matrix=2 * np.eye(4))

    monkeypatch.setattr("scripts.registration.transforms.register_or_refuse", register)
    monkeypatch.setattr("skull.registered.parts", lambda: (None, None))
    hu = np.zeros((2, 2, 2), np.int16)
    for _ in range(2):
        np.testing.assert_allclose(found_matrix(hu, np.eye(4), tmp_path / "a.npy"), 2 * np.eye(4))
    assert found_matrix(hu, np.eye(4), tmp_path / "b.npy") is None
    assert len(calls) == 2
