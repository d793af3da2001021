"""The comparison of what a run lists with the truth: overlap, distance, side, name and volume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import found
import numpy as np
import pytest

from scripts.files.nifti import nifti_bytes

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
BRAIN = {"rank": 1, "region": "brain", "kind": "brain", "side": "left", "name": "frontal lobe", "volume_ml": 6.0}
SKULL = {"rank": 3, "region": "skull", "kind": "skull line", "side": "left", "name": "frontal bone", "length_mm": 40.0}


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> found.Found:
    """A scan with a lesion in a corner, of which the first detection of the brain is, and so is that of the skull."""
    monkeypatch.setattr(found, "true_name", lambda points_mm, matrix: "frontal lobe, extra-axial space")
    lesion, labels = np.zeros((10, 10, 10), np.uint8), np.zeros((10, 10, 10), np.uint8)
    lesion[:3, :3, :3], labels[2:4, 2, 2], labels[7:, 7, 7] = 1, 1, 2
    scan, result = tmp_path / "scan", tmp_path / "result"
    scan.mkdir()
    result.mkdir()
    (scan / "lesion.nii.gz").write_bytes(nifti_bytes(lesion, AFFINE))
    (scan / "truth.json").write_text(json.dumps({"lesion": "subdural", "side": "left", "volume_ml": 8.0}))
    (result / "detections.nii.gz").write_bytes(nifti_bytes(labels, AFFINE))
    rows: list[dict[str, Any]] = [BRAIN, {**BRAIN, "rank": 2}, {**SKULL, "peak_mm": [0, 0, 13.0]}]
    rows.append({**SKULL, "rank": 4, "peak_mm": [0, 0, 15.0]})
    record = {"detections": rows, "registration": {"matrix": np.eye(4).tolist()}}
    (result / "result.json").write_text(json.dumps(record))
    return found.compared("a", scan, result)


def test_a_detection_is_of_the_lesion_if_it_overlaps_it_or_lies_near(judged: found.Found) -> None:
    assert [row["of_lesion"] for row in judged.rows] == [True, False, True, False]
    assert (judged.false, judged.volume_ratio) == (2, 0.75)
    words = ("subdural, frontal lobe, extra-axial space, left, 8 ml", "brain, frontal lobe, left, 6.0 ml")
    assert found.line(judged)[1:3] == (words[0], f"{words[1]}; skull line, frontal bone, left, 40 mm")


def test_the_totals_count(judged: found.Found) -> None:
    healthy = found.Found("h", {"kind": None}, [{**BRAIN, "of_lesion": False}])
    refused = found.Found("r", {"kind": "subdural", "side": "left", "volume_ml": 9.0}, [], "There is no CT image.")
    lines = found.totals([judged, healthy, refused])
    assert lines[0] == "1 scan with a lesion: 1 with a detection of it"
    assert "1 healthy scan: 1 false detections in 1 of them" in lines
    assert "side right: 2 of 2" in lines
    assert "a structure named in which the lesion lies: 1 of 1 in the brain" in lines
    assert "listed by true: median 0.75, 1 of 1 within a factor of 1.5" in lines[-2]
    assert lines[-1] == "refused: 1"
    assert found.line(refused)[2] == "refused"
