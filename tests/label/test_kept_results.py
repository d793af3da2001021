"""Results that are kept: one run for several answers, until a byte or a setting changes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dicom_series import write_series
from geometries import PLAIN

from kept_results import KeptResults, why_no_objects
from scripts.results.folder import write_results

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"


class Counted(KeptResults):
    """Counts its runs, whose results are their numbers."""

    runs = 0

    def run(self, scan: Path, values: Any) -> Any:
        self.runs += 1
        return SimpleNamespace(number=self.runs)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Counted(BUNDLE, most=2)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A folder with two files; what is in them does not matter here."""
    folder = tmp_path / "scan"
    folder.mkdir()
    for name in ("1.dcm", "2.dcm"):
        (folder / name).write_bytes(name.encode())
    return folder


def test_one_run_serves_all_that_is_asked_of_a_scan(kept: Counted, scan: Path) -> None:
    first = kept.of(scan, {"stride": 4})
    assert kept.of(scan, {"stride": 4}) == first
    shutil.copytree(scan, scan.with_name("sent again"))
    assert kept.of(scan.with_name("sent again"), {"stride": 4}) == first
    assert kept.runs == 1


def test_arrays_that_an_answer_needs_are_not_kept(kept: Counted, scan: Path) -> None:
    kept.of(scan, {}).heatmap = "decoded"
    assert not hasattr(kept.of(scan, {}), "heatmap")


def test_a_file_that_can_t_be_read_is_left_to_the_bundle(
    kept: Counted, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.key(scan, {})
    (scan / "link").symlink_to(scan / "3.dcm")
    assert kept.key(scan, {}) == before, "a link that leads nowhere is no file"
    monkeypatch.setattr("scripts.integrity.sha256", unreadable)
    assert kept.key(scan, {}) != before


def unreadable(path: Path) -> str:
    """In place of `sha256`, as for a file of somebody else."""
    raise PermissionError(13, "Permission denied")


def test_a_changed_byte_or_setting_or_file_is_another_run(kept: Counted, scan: Path) -> None:
    numbers = [kept.of(scan, {"stride": 4}).number, kept.of(scan, {"stride": 2}).number]
    (scan / "2.dcm").write_bytes(b"3.dcm")
    numbers.append(kept.of(scan, {"stride": 2}).number)
    (scan / "3.dcm").write_bytes(b"")
    numbers.append(kept.of(scan, {"stride": 2}).number)
    assert numbers == [1, 2, 3, 4]


def test_another_bundle_is_another_run(kept: Counted, scan: Path, tmp_path: Path) -> None:
    before = kept.key(scan, {})
    kept.bundle = tmp_path
    (tmp_path / "manifest.sha256").write_text("another\n")
    assert kept.key(scan, {}) != before


def test_the_one_that_was_asked_for_longest_ago_is_forgotten(kept: Counted, scan: Path) -> None:
    for stride in (1, 2, 1, 4):
        kept.of(scan, {"stride": stride})
    assert kept.runs == 3
    kept.of(scan, {"stride": 1})
    assert kept.runs == 3, "it was asked for again before the third"
    kept.of(scan, {"stride": 2})
    assert kept.runs == 4


def test_a_nifti_is_known_by_its_bytes_and_kind(kept: Counted, tmp_path: Path) -> None:
    names = ("a.nii.gz", "b.v2.nii.gz", "a.nii")
    for name in names:
        (tmp_path / name).write_bytes(b"voxels")
    keys = [kept.key(tmp_path / name, {}) for name in names]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(("reason", "made"), [("", True), ("A NIfTI file has no study.", False)])
def test_what_answers_are_made_of_is_kept_and_the_scan_is_not(
    reason: str, made: bool, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    kept = {"heatmap.nii.gz": b"voxels", "report.html": b"page", "report.pdf": b"sheet", "dicom/slice_001.dcm": b"x"}

    def judge(_: Path, output: Path, values: dict[str, Any]) -> None:
        asked.update(values)
        parts: dict[str, Any] = {"scores": {}, "score_details": {}, "detections": [], "quality": {}}
        write_results(output, {**kept, "scan.nii.gz": b"large"}, {**parts, "registration": {}, "findings": []})

    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("scripts.results.judging.judge", judge)
    monkeypatch.setattr("kept_results.why_no_objects", lambda _: reason)
    result = KeptResults(BUNDLE).of(scan, {"stride": 4})
    assert asked == {"stride": 4, "dicom": made}, "with the report, which is made by default"
    assert result.files == kept


def test_dicom_objects_need_a_series_that_they_can_refer_to(tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").write_bytes(b"")
    assert why_no_objects(tmp_path / "scan.nii.gz").startswith("A NIfTI file has no study")
    write_series(tmp_path / "in", PLAIN)
    assert why_no_objects(tmp_path / "in") == ""
    assert "can't be read" in why_no_objects(tmp_path / "nothere")
