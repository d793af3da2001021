"""`head-ct-anomaly report`: what becomes of folders that are complete, changed, of an earlier version, or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from report_result import pictures, record, volumes

from scripts.commands import report as command
from scripts.commands.main import main
from scripts.files.nifti import nifti_bytes
from scripts.results.folder import write_results
from scripts.results.record import read_result, verify
from scripts.results.report.files import PAGE, SHEET
from scripts.results.report.niivue import HOW


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete folder of results without a report."""
    whole, folder = volumes(), tmp_path_factory.mktemp("results") / "out"
    arrays = {"heatmap": whole.heatmap, "regions": whole.regions, "scan": whole.scan}
    maps = {f"{name}.nii.gz": nifti_bytes(array, whole.affine) for name, array in arrays.items()}
    write_results(folder, {**maps, **pictures(), "detections.csv": b"rank\n"}, record())
    return folder


@pytest.fixture
def out(results: Path, tmp_path: Path) -> Path:
    """A copy of them."""
    return shutil.copytree(results, tmp_path / "out")


def files(folder: Path) -> dict[str, bytes]:
    """The content of each file of a folder by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_report_is_made_and_belongs_to_the_results(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(out)
    assert main(["report", str(out)]) == 0
    assert capsys.readouterr().out == f"{out / PAGE} and {SHEET}\n"
    after = files(out)
    assert after.keys() - before.keys() == {PAGE, SHEET}
    assert {name for name in before if before[name] != after[name]} == {"result.json"}
    result = verify(out)
    assert {**result, "outputs": None} == {**record(), "format": result["format"], "outputs": None}
    assert [path.name for path in out.parent.iterdir()] == ["out"], "nothing is left beside it"
    assert main(["report", str(out)]) == 0
    assert files(out) == after, "made again, it is the same"


def test_a_report_that_is_there_is_replaced_though_it_is_older(out: Path) -> None:
    earlier = {name: content for name, content in files(out).items() if name != "result.json"}
    write_results(out, {**earlier, PAGE: b"an earlier page", SHEET: b"and sheet"}, record(), overwrite=True)
    assert main(["report", str(out)]) == 0
    assert (out / PAGE).read_bytes().startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("gone", [(PAGE,), (SHEET,), (PAGE, SHEET)])
def test_a_report_that_was_removed_is_made_again(
    gone: tuple[str, ...], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(out)]) == 0
    before = files(out)
    for name in gone:
        (out / name).unlink()
    assert main(["report", str(out)]) == 0
    assert files(out) == before
    (out / PAGE).write_text("with notes of mine")
    assert main(["report", str(out)]) == 3
    assert f"{PAGE} in {out} is not the file that was written." in capsys.readouterr().err
    assert (out / PAGE).read_text() == "with notes of mine"


def test_a_folder_that_was_changed_is_refused_and_the_others_get_theirs(
    out: Path, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = shutil.copytree(results, tmp_path / "bad")
    (bad / "heatmap.nii.gz").write_bytes(b"other")
    before = files(bad)
    assert main(["report", str(bad), str(out)]) == 3
    said = capsys.readouterr().err
    assert f"heatmap.nii.gz in {bad} is not the file that was written. Make the results again.\n" in said
    assert files(bad) == before
    assert (out / PAGE).exists()


def test_an_incomplete_folder_and_one_of_an_earlier_version_are_refused(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {name: content for name, content in files(out).items() if name != "result.json"}
    old = {name: value for name, value in read_result(out).items() if name != "compared_with"}
    write_results(out, kept, old, overwrite=True)
    assert main(["report", str(out)]) == 3
    assert f"{out}: The result.json has no compared_with: it is of an earlier version" in capsys.readouterr().err
    (out / "result.json").unlink()
    assert main(["report", str(out)]) == 3
    assert f"{out} holds no result.json: the results are not complete." in capsys.readouterr().err
    assert not (out / PAGE).exists()


def test_a_folder_with_other_files_is_left_as_it_is(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (out / "notes.txt").write_text("mine")
    assert main(["report", str(out)]) == 4
    assert "holds notes.txt, which is not part of earlier results" in capsys.readouterr().err
    assert (out / "notes.txt").read_text() == "mine"


def test_results_without_pictures_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_results(tmp_path / "out", {}, record())
    assert main(["report", str(tmp_path / "out")]) == 3
    assert "There is no overview.png, which a report shows." in capsys.readouterr().err


def test_no_folder_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"There is no folder {tmp_path / 'none'}. Name folders of results.\n"


def test_without_niivue_it_says_how_to_get_the_viewer(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "niivue", lambda: None)
    monkeypatch.setattr("scripts.results.report.files.niivue", lambda: None)
    assert main(["report", str(out)]) == 0
    assert f"To browse the slices in them: {HOW}." in capsys.readouterr().err
    assert b"<canvas" not in (out / PAGE).read_bytes()
