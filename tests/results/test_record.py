"""What is taken as a complete set of results, and what is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.results.folder import write_results
from scripts.results.record import ResultIncomplete, changed_files, own_files, read_result, verify

FILES = {"heatmap.nii.gz": b"voxels", "dicom/0001.dcm": b"pixels"}


@pytest.mark.parametrize("change", ["remove", "alter", "remove the result"])
def test_a_set_that_was_changed_does_not_verify(tmp_path: Path, change: str) -> None:
    write_results(tmp_path / "out", FILES, {})
    path = tmp_path / "out" / ("result.json" if change == "remove the result" else "heatmap.nii.gz")
    path.write_bytes(b"others") if change == "alter" else path.unlink()
    with pytest.raises(ResultIncomplete, match=r"is not the file that was written|is missing\.|holds no result\.json"):
        verify(tmp_path / "out")


def test_the_files_it_answers_for(tmp_path: Path) -> None:
    assert own_files(tmp_path) == set()
    write_results(tmp_path / "out", FILES, {})
    assert own_files(tmp_path / "out") == {"result.json", *FILES}


@pytest.mark.parametrize(
    "change",
    [
        {"format": "of another program"},
        {"outputs": {"heatmap.nii.gz": "0123"}},
        {"outputs": {"../heatmap.nii.gz": "0" * 64}},
        {"outputs": ["heatmap.nii.gz"]},
        {"outputs": None},
    ],
)
def test_what_is_not_ours_is_no_result(tmp_path: Path, change: dict[str, Any]) -> None:
    write_results(tmp_path / "out", FILES, {})
    path = tmp_path / "out" / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ResultIncomplete, match="damaged, or not of this program"):
        read_result(tmp_path / "out")
    assert own_files(tmp_path / "out") == set()


def test_every_changed_file_is_named(tmp_path: Path) -> None:
    write_results(tmp_path / "out", FILES, {})
    outputs = read_result(tmp_path / "out")["outputs"]
    assert changed_files(tmp_path / "out", outputs) == {}
    (tmp_path / "out" / "heatmap.nii.gz").unlink()
    (tmp_path / "out" / "dicom" / "0001.dcm").write_bytes(b"others")
    assert changed_files(tmp_path / "out", outputs) == {
        "heatmap.nii.gz": "is missing",
        "dicom/0001.dcm": "is not the file that was written",
    }
