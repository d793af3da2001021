"""`head-ct-anomaly compare`: results, scans or runs in; a folder that appears complete or not at all out."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from compared_scan import RIGHT, write_judged
from dicom_series import write_series
from evaluated_cohort import FACTS, rows
from pydicom.dataset import Dataset

from scripts.cohort.folder import CohortFolder
from scripts.commands import compare
from scripts.commands.main import main
from scripts.results import judging
from scripts.results.folder import write_results
from scripts.results.record import HEATMAP
from scripts.results.report.files import PAGE
from scripts.results.result import Result

FILES = {"compare.json", "compare.csv", "compare.png", "difference.nii.gz"}


@pytest.fixture
def scans(tmp_path: Path) -> tuple[Path, Path]:
    """Results of a healthy head, and of the same head in another pose with a bleed."""
    return write_judged(tmp_path / "before", seed=1), write_judged(tmp_path / "after", balls=[RIGHT], seed=2)


def words(first: Path, second: Path, output: Path, *more: str) -> list[str]:
    return ["compare", str(first), str(second), "-o", str(output), *more]


def test_two_results_are_compared_into_a_folder(
    scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(*scans, tmp_path / "out")) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    out = capsys.readouterr().out
    assert "Whether both scans are of one patient is not known" in out
    assert "New: parietal lobe on the right" in out
    made = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert made["format"] == compare.FORMAT
    assert made["kind"] == "scans"
    assert main(words(*scans, tmp_path / "again")) == 0
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_a_folder_that_is_there_stays_as_it_is(scans: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    assert main(words(*scans, tmp_path / "out")) == 4
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_an_empty_folder_makes_way_also_where_no_folder_is_renamed_onto_another(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.replace

    def as_on_windows(source: Path, target: Path) -> None:
        if Path(target).is_dir():
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
        rename(source, target)

    monkeypatch.setattr(os, "replace", as_on_windows)
    (tmp_path / "out").mkdir()
    assert main(words(*runs, tmp_path / "out")) == 0
    assert (tmp_path / "out" / "compare.json").is_file()


def test_a_name_that_no_folder_can_have_is_an_output_that_cannot_be_written(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(*runs, tmp_path / ("x" * 250))) == 4
    assert "The results were not written to" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--stride", "--alpha", "--calibration", "--weights", "--evidence-weights"])
def test_options_for_judging_are_wrong_where_nothing_is_judged(
    option: str, runs: tuple[Path, Path], scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"--stride": "4", "--alpha": "0.1"}.get(option, "FILE")
    for pair, what in ((runs, "runs of `cohort`"), (scans, "folders of results")):
        assert main(words(*pair, tmp_path / "out", option, given)) == 2
        text = f"Both are {what}, which are compared as they are: leave {option} out"
        assert capsys.readouterr().err.startswith(text)
    assert not (tmp_path / "out").exists()


def test_results_without_volumes_are_refused_by_the_name_of_their_folder(
    scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Result.read(scans[1])
    kept = {name: content for name, content in whole.files.items() if name != HEATMAP}
    write_results(scans[1], kept, whole.record, overwrite=True)
    assert main(words(*scans, tmp_path / "out")) == 3
    said = f"{scans[1]}: There is no heatmap.nii.gz in it. Run the scan again with --maps all.\n"
    assert capsys.readouterr().err == said


def test_a_report_that_was_removed_is_not_missed(scans: tuple[Path, Path], tmp_path: Path) -> None:
    whole = Result.read(scans[0])
    write_results(scans[0], {**whole.files, PAGE: b"a page"}, whole.record, overwrite=True)
    (scans[0] / PAGE).unlink()
    assert main(words(*scans, tmp_path / "out")) == 0


def test_results_that_are_not_complete_are_refused_with_nothing_written(
    scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scans[1] / "heatmap.nii.gz").write_bytes(b"other")
    assert main(words(*scans, tmp_path / "out")) == 3
    assert f"heatmap.nii.gz in {scans[1]} is not the file that was written" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["after", "before"]


def test_scans_are_judged_first(
    scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def judge(scan: Path, output: Path, values: dict[str, Any], **more: Any) -> None:
        asked.append(values)
        write_judged(output, balls=[RIGHT], seed=2)

    monkeypatch.setattr(judging, "judge", judge)
    (tmp_path / "scan.nii.gz").write_bytes(b"a scan")
    assert main(words(scans[0], tmp_path / "scan.nii.gz", tmp_path / "out", "--stride", "4", "--device", "cpu")) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*FILES, "after"}
    assert (tmp_path / "out" / "after" / "result.json").is_file()
    assert asked[0]["stride"] == 4
    assert "New: parietal lobe" in capsys.readouterr().out


def identified(folder: Path, identity: str) -> Path:
    def edit(data: Dataset, k: int) -> None:
        data.PatientID, data.PatientName, data.PatientBirthDate = identity, f"Doe^{identity}", "19500102"

    write_series(folder, at=[0], edit=edit)
    return folder


def test_scans_of_two_patients_are_refused_before_anything_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = identified(tmp_path / "a", "P4711"), identified(tmp_path / "b", "P4712")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(next(second.glob("*.dcm")), "0.dcm")
    for other in (second, tmp_path / "b.zip"):
        assert main(words(first, other, tmp_path / "out")) == 3
        text = capsys.readouterr().err
        assert text == (
            "By their headers, the two scans belong to 2 patients (if you know that they are of one, add "
            "--same-patient). Give one patient's images.\n"
        )
    assert not (tmp_path / "out").exists()


def test_scans_of_one_patient_with_two_ids_are_compared_if_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = identified(tmp_path / "a", "P4711"), identified(tmp_path / "b", "P4712")
    monkeypatch.setattr(judging, "judge", lambda scan, output, values, **more: write_judged(output))
    assert main(words(first, second, tmp_path / "out", "--same-patient")) == 0
    notes = json.loads((tmp_path / "out" / "compare.json").read_text())["notes"]
    assert any("2 patients; that they are of one was said by --same-patient" in note for note in notes)


def test_a_scan_that_is_not_there_is_refused(scans: tuple[Path, Path], tmp_path: Path) -> None:
    assert main(words(scans[0], tmp_path / "none", tmp_path / "out")) == 3
    assert not (tmp_path / "out").exists()


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs of the same cases with other weights."""
    for name, weights in (("first", "a"), ("second", "b")):
        folder = CohortFolder(tmp_path / name)
        folder.settle({**FACTS, "network": {**FACTS["network"], "weights_sha256": weights}}, {"case-0": "x"})  # type: ignore[dict-item]
        folder.write_table(rows(6))
    return tmp_path / "first", tmp_path / "second"


def test_two_runs_are_compared(runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(*runs, tmp_path / "out")) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES - {"difference.nii.gz"}
    assert "network weights_sha256: a, then b" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["kind"] == "runs"


def test_a_run_and_a_scan_are_not_compared(
    runs: tuple[Path, Path], scans: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(runs[0], scans[0], tmp_path / "out")) == 2
    assert f"{runs[0]} is a run of `cohort`, and {scans[0]} is none" in capsys.readouterr().err
    assert main(words(*scans, tmp_path / "out", "--score", "raw_maximum")) == 2
    assert "--score is for two runs" in capsys.readouterr().err
    judging = words(scans[0], Path("scan.nii.gz"), tmp_path / "out", "--evidence-weights", "no-such.pt")
    assert main(judging) == 2
    assert capsys.readouterr().err == "There are no weights at no-such.pt. Check --evidence-weights.\n"
    assert main(words(runs[0], runs[1], tmp_path / "out", "--same-patient")) == 2
    assert "--same-patient is for two scans" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
