"""Paths and patterns of a command line, and the names of scans."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import WrongUsage
from scripts.files.inputs import can_be_path, named, paths_of, scan_of
from scripts.files.names import scan_name


def test_patterns_and_paths(tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden", "[odd]"):
        (tmp_path / name).mkdir()
    words = [f"{tmp_path}/[ab]", f"{tmp_path}/[odd]", "missing"]
    assert paths_of(words) == [tmp_path / "a", tmp_path / "b", tmp_path / "[odd]", Path("missing")]
    assert tmp_path / ".hidden" not in paths_of([f"{tmp_path}/*"])
    with pytest.raises(WrongUsage, match=r"Nothing matches .*/x\*\. Check the pattern\."):
        paths_of([f"{tmp_path}/x*"])


def test_a_path_that_no_system_takes_is_given_back() -> None:
    assert paths_of(["x" * 300]) == [Path("x" * 300)]
    with pytest.raises(WrongUsage, match="Nothing matches"):
        paths_of(["x" * 300 + "*"])


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/head.nii.gz", "head"), ("head.NII", "head"), ("s.zip", "s"), ("a/series.1", "series.1"), (".nii", ".nii")],
)
def test_names_of_scans(path: str, name: str) -> None:
    assert scan_name(Path(path)) == name


def test_the_nifti_of_a_folder(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "a.json", ".hidden"):
        (tmp_path / name).touch()
    assert scan_of(tmp_path) == tmp_path / "a.nii.gz"
    (tmp_path / "b.nii").touch()
    assert scan_of(tmp_path) == tmp_path


def test_the_working_directory_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "case").mkdir()
    monkeypatch.chdir(tmp_path / "case")
    assert scan_name(Path(".")) == "case"
    assert scan_name(Path("..")) == tmp_path.name


def test_two_of_one_name_are_a_sentence() -> None:
    assert named([Path("x/a"), Path("b.zip")]) == {"a": Path("x/a"), "b": Path("b.zip")}
    with pytest.raises(WrongUsage, match=r"Two scans are called a: x/a and y/a\.zip\. Rename one of them"):
        named([Path("x/a"), Path("y/a.zip")])


def test_a_path_has_neither_a_nul_nor_half_a_pair_of_surrogates() -> None:
    assert all(map(can_be_path, ("", "scans/one #1", "Größe", "\udcff, as the system gives a byte that is no text")))
    assert not any(map(can_be_path, ("a\0b", "\0", "a\ud800")))
