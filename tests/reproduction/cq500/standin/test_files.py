"""A data set on the disk: CQ500's folders and files, its label table, and the truth apart from them."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from toy_study import toy_study

from reproduction.cq500.reads import LABELS, parse_reads
from reproduction.cq500.standin import files as standin_files
from reproduction.cq500.standin.files import is_complete, keep_plan, series_folder, write_case, write_tables
from reproduction.cq500.standin.patients import CasePlan
from reproduction.cq500.standin.recipes import series_of
from scripts.errors import OutputExists, OutputFailed
from scripts.simulation.scanner import series

pytestmark = pytest.mark.xdist_group("toy_study")

PLAN = CasePlan(7, 3, "toy", "copy", (("subdural", "left"),))
TRUTH: dict[str, Any] = {
    "lesions": [{"lesion": "subdural", "side": "left"}],
    "labels": ["BleedLocation-Left", "ICH", "SDH"],
}


def pixels(folder: Path) -> dict[str, tuple[float, bytes]]:
    """UID, height and pixels of each image of a series."""
    images = [pydicom.dcmread(file) for file in folder.iterdir()]
    return {
        str(image.SOPInstanceUID): (float(image.ImagePositionPatient[2]), image.pixel_array.tobytes())
        for image in images
    }


@pytest.mark.parametrize(
    ("description", "repeat", "folder"),
    [("5/5mm Plain", 1, "CT 55mm Plain"), ("+C", 1, "CT C"), ("2.5/5mm", 3, "CT 2.55mm-3"), ("BONE", 2, "CT BONE-2")],
)
def test_folders_lose_slashes_and_plus_signs(description: str, repeat: int, folder: str) -> None:
    assert series_folder(description, repeat) == folder


def test_a_case_has_the_folders_and_files_of_the_data_set(tmp_path: Path) -> None:
    assert not is_complete(tmp_path, PLAN)
    (tmp_path / ".CQ500CT7 CQ500CT7.partial" / "left over").mkdir(parents=True)
    write_case(tmp_path, PLAN, series_of(toy_study(), "copy"), TRUTH)
    assert is_complete(tmp_path, PLAN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CQ500CT7 CQ500CT7", "truth"]
    study = tmp_path / "CQ500CT7 CQ500CT7" / "Unknown Study"
    assert sorted(path.name for path in study.iterdir()) == ["CT POST CONTRAST", "CT Plain", "CT Plain-2"]
    files = sorted((study / "CT Plain").iterdir())
    assert [file.name for file in files] == [f"CT{k:06d}.dcm" for k in range(len(files))]
    heights = [float(pydicom.dcmread(file).ImagePositionPatient[2]) for file in files]
    assert sorted(heights) != heights, "numbers are not the order of the slices"
    assert sorted(heights) != heights[::-1]
    assert json.loads((tmp_path / "truth" / "CQ500-CT-7.json").read_text(encoding="utf-8")) == TRUTH


def test_a_copy_has_the_same_images_and_other_series_have_others(tmp_path: Path) -> None:
    write_case(tmp_path, PLAN, series_of(toy_study(), "copy"), TRUTH)
    study = tmp_path / PLAN.folder / "Unknown Study"
    plain, copy, agent = (pixels(study / name) for name in ("CT Plain", "CT Plain-2", "CT POST CONTRAST"))
    assert plain == copy
    assert not set(plain) & set(agent)
    image = pydicom.dcmread(next((study / "CT POST CONTRAST").iterdir()))
    assert (image.PatientID, image.SeriesDescription) == ("CQ500CT7", "POST CONTRAST")
    assert image.file_meta.TransferSyntaxUID.is_compressed, "every second case"


def test_the_same_case_is_the_same_bytes(tmp_path: Path) -> None:
    for root in ("a", "b"):
        write_case(tmp_path / root, PLAN, series_of(toy_study(), "tilted"), TRUTH)
    for file in (path for path in (tmp_path / "a").rglob("*") if path.is_file()):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def test_a_case_that_cannot_be_written_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(folder: Path, *args: object, **words: object) -> None:
        folder.mkdir(parents=True)
        raise OSError(28, os.strerror(28), str(folder))

    monkeypatch.setattr(series, "write_series", full)
    with pytest.raises(OutputFailed, match=r"not written to .*CQ500CT7 CQ500CT7: No space left"):
        write_case(tmp_path, PLAN, series_of(toy_study(), "tilted"), TRUTH)
    assert [path.name for path in tmp_path.iterdir()] == ["truth"]
    assert not is_complete(tmp_path, PLAN)


def test_a_folder_holds_one_plan(tmp_path: Path) -> None:
    root = tmp_path / "root"
    keep_plan(root, [PLAN], {"pixels": 64})
    before = (root / "truth" / "plan.json").read_bytes()
    keep_plan(root, [PLAN], {"pixels": 64})
    assert (root / "truth" / "plan.json").read_bytes() == before
    with pytest.raises(OutputExists, match="was drawn for another plan"):
        keep_plan(root, [PLAN], {"pixels": 128})
    (tmp_path / "file").touch()
    with pytest.raises(OutputExists, match="holds something else"):
        keep_plan(tmp_path, [PLAN], {"pixels": 64})


def test_the_tables_come_from_the_truth(tmp_path: Path) -> None:
    plans = [CasePlan(10, 5, "toy", "unusable", ()), PLAN]
    keep_plan(tmp_path, plans, {})
    for plan, truth in zip(plans, ({"lesions": [], "labels": []}, TRUTH), strict=True):
        standin_files.write_output(standin_files.truth_path(tmp_path, plan), json.dumps(truth).encode())
    write_tables(tmp_path, plans)
    reads = parse_reads((tmp_path / "reads.csv").read_text(encoding="utf-8"))
    assert reads.names == ("CQ500-CT-7", "CQ500-CT-10")
    assert set(reads.categories) <= {"B1", "B2"}
    assert reads.marks[0, :, LABELS.index("SDH")].sum() >= 2
    assert not reads.marks[1].any()
    rows = list(csv.DictReader((tmp_path / "truth.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["best_series"] for row in rows] == ["CT Plain", ""]
    assert rows[0]["lesions"] == "subdural left"
    assert [label for label in LABELS if rows[0][label] == "1"] == ["ICH", "SDH", "BleedLocation-Left"]
    first = (tmp_path / "reads.csv").read_bytes()
    write_tables(tmp_path, plans)
    assert (tmp_path / "reads.csv").read_bytes() == first
    assert np.array_equal(parse_reads(first.decode()).marks, reads.marks)
