"""The cases of a folder of scans, and the folders that are none."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from dicom_series import write_series

from scripts.cohort.scan_folder import cases_in, check_some, safe_name
from scripts.commands.main import main
from scripts.errors import WrongUsage
from scripts.files.inputs import is_folder
from scripts.findings import InputRefused
from scripts.results.folder import write_results


def test_each_entry_is_a_case_by_its_name(tmp_path: Path) -> None:
    for name in ("Study 7", "series.1", "simulated", "alone", ".hidden"):
        (tmp_path / name).mkdir()
    for name in (
        "simulated/scan.nii.gz",
        "simulated/lesion.nii.gz",
        "alone/x.nii",
        "head.nii.gz",
        "packed.ZIP",
        "a.txt",
    ):
        (tmp_path / name).touch()
    assert {case.name: case.image.relative_to(tmp_path).as_posix() for case in cases_in(tmp_path)} == {
        "Study_7": "Study 7",
        "alone": "alone/x.nii",
        "head": "head.nii.gz",
        "packed": "packed.ZIP",
        "series.1": "series.1",
        "simulated": "simulated/scan.nii.gz",
    }


def closed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder be as one that this user may not read: root, who may run the tests, reads all."""
    listed, reach = Path.iterdir, Path.stat
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))

    def iterdir(path: Path) -> Iterator[Path]:
        if path == folder:
            raise error
        return listed(path)

    def stat(path: Path, **words: bool) -> os.stat_result:
        if folder in path.parents:
            raise error
        return reach(path, **words)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    monkeypatch.setattr(Path, "stat", stat)


def test_an_entry_that_may_not_be_read_is_a_case_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
    closed(monkeypatch, tmp_path / "closed")
    assert [(case.name, case.image) for case in cases_in(tmp_path)] == [
        ("closed", tmp_path / "closed"),
        ("open", tmp_path / "open"),
    ]


def test_a_path_that_can_not_be_reached_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its mount is away: that of the folder itself, or of one on the way."""
    assert [is_folder(path) for path in (tmp_path, tmp_path / "none", Path(__file__))] == [True, False, False]

    def stat(path: Path, **words: bool) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(WrongUsage, match=r"can't be reached \(Stale file handle\)\. Give a folder or a list that you"):
        is_folder(tmp_path)


@pytest.mark.parametrize("command", ["cohort", "audit", "power", "calibrate"])
def test_each_command_says_that_its_scans_can_not_be_reached(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "away").mkdir()
    reach = Path.stat

    def stat(path: Path, **words: bool) -> os.stat_result:
        if tmp_path / "away" in (path, *path.parents):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return reach(path, **words)

    monkeypatch.setattr(Path, "stat", stat)
    assert main([command, str(tmp_path / "away"), "-o", str(tmp_path / "out")]) == 2
    said = f"{tmp_path / 'away'} can't be reached (Stale file handle). Give a folder or a list that you may read.\n"
    assert capsys.readouterr().err == said


def test_a_folder_that_may_not_be_read_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed(monkeypatch, tmp_path)
    with pytest.raises(WrongUsage, match=r"can't be read \(Permission denied\)\. Give a folder that you may read\."):
        cases_in(tmp_path)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a-1_b.c", "a-1_b.c"),
        ("Müller, H", "M_ller_H"),
        ("-x", "_-x"),
        ("頭", "_"),
        ("n" * 120, "n" * 100),
        ("con", "_con"),
        ("Com1.x", "_Com1.x"),
        ("a.", "a"),
        ("..", "_"),
    ],
)
def test_names_become_those_of_folders(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([], "is empty. Give a folder of scans"),
        ([".hidden/"], "is empty. Give a folder of scans"),
        (
            ["IM1", "IM2"],
            "holds 2 files, but no folder, NIfTI or zip archive. If it is one scan, use `head-ct-anomaly run`",
        ),
        (["a/", "a.nii.gz"], r"Two scans would be called a: a and a\.nii\.gz\. Rename one\."),
        (["Head1/", "head1/"], r"Two scans would be called head1: Head1 and head1\. Rename one\."),
        (["a b/", "a_b/"], r"Two scans would be called a_b: a b and a_b\. Rename one\."),
        (["cohort.json", "cases/"], "holds results, no scans. Give the folder that holds the scans"),
        (["old/", "old/cohort.json"], "old holds results, no scan. Move it elsewhere"),
    ],
)
def test_other_folders_are_a_sentence(made: list[str], said: str, tmp_path: Path) -> None:
    for name in made:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    with pytest.raises(WrongUsage, match=said):
        cases_in(tmp_path)


def test_results_of_run_are_no_scans(tmp_path: Path) -> None:
    write_results(tmp_path / "made", {"scan.nii.gz": b""}, {})
    with pytest.raises(WrongUsage, match="made holds results, no scan"):
        cases_in(tmp_path)
    with pytest.raises(WrongUsage, match="made holds results, no scans"):
        cases_in(tmp_path / "made")


def test_one_scan_that_can_be_judged_is_enough(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").touch()
    (tmp_path / "b.zip").write_bytes(b"")
    with pytest.raises(
        InputRefused, match=r"None of 2 scans in .* can be judged\. a: The file is not a DICOM"
    ) as refused:
        check_some(cases_in(tmp_path), tmp_path)
    assert refused.value.code == "no_dicom"
    series = write_series(tmp_path / "elsewhere")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        for file in series:
            archive.write(file, file.name)
    for file in series:
        file.unlink()
    (tmp_path / "elsewhere").rmdir()
    check_some(cases_in(tmp_path), tmp_path)
