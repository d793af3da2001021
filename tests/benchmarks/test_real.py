"""benchmarks/real.py with a stand-in for the archive: what is fetched, what is refused, and the table of scores."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import real


def archive(path: Path, **more: tarfile.TarInfo) -> str:
    """Write an archive of the names that are looked for, with `more` entries; its sha256."""
    names = {f"{real.DATA}/{name}.nii.gz": name for name in real.HEADS} | {real.LICENCE: "licence"}
    with tarfile.open(path, "w:gz") as entries:
        for name, text in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            entries.addfile(member, io.BytesIO(text.encode()))
        for entry in more.values():
            entries.addfile(entry, io.BytesIO(b""))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def test_heads_and_licence_are_unpacked(tmp_path: Path) -> None:
    known = archive(tmp_path / real.ARCHIVE)
    (tmp_path / "out").mkdir()
    heads = real.unpack(tmp_path / real.ARCHIVE, tmp_path / "out", known)
    assert {name: path.read_text() for name, path in heads.items()} == {name: name for name in real.HEADS}
    assert (tmp_path / "out" / "LICENSE-dicom2stl.txt").read_text() == "licence"
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_another_archive_is_refused(tmp_path: Path) -> None:
    archive(tmp_path / real.ARCHIVE)
    (tmp_path / "out").mkdir()
    with pytest.raises(real.ArchiveRefused, match=f"has the sha256 [0-9a-f]{{64}}, not {real.SHA256}"):
        real.unpack(tmp_path / real.ARCHIVE, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "entry",
    [tarfile.TarInfo("dicom2stl-0.5.0/../../evil"), tarfile.TarInfo("/evil"), link("dicom2stl-0.5.0/a", "/etc/passwd")],
    ids=["above", "absolute", "link"],
)
def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path, entry: tarfile.TarInfo) -> None:
    known = archive(tmp_path / real.ARCHIVE, entry=entry)
    (tmp_path / "out").mkdir()
    with pytest.raises(real.ArchiveRefused, match=r"is a link or leaves the archive's folder"):
        real.unpack(tmp_path / real.ARCHIVE, tmp_path / "out", known)
    assert not list((tmp_path / "out").iterdir())


def test_an_archive_without_a_head_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = archive(tmp_path / real.ARCHIVE)
    monkeypatch.setitem(real.HEADS, "third", "not there")
    with pytest.raises(real.ArchiveRefused, match=r"lacks .*/third\.nii\.gz"):
        real.unpack(tmp_path / real.ARCHIVE, tmp_path, known)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip looks into instead of a package index."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    (tmp_path / "out").mkdir()
    return tmp_path / "index"


def test_another_file_on_the_index_is_refused_before_it_is_built(index: Path) -> None:
    archive(index / real.ARCHIVE)
    with pytest.raises(real.ArchiveRefused, match=r"^The index has another dicom2stl-0\.5\.0\.tar\.gz"):
        real.fetch(index.parent / "out")
    assert not list((index.parent / "out").iterdir())


def test_an_index_that_is_not_reached_is_a_sentence_and_an_exit_code(
    index: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["real.py", "-o", str(index.parent / "out")])
    assert real.main() == real.UNREACHABLE == 69
    said = capsys.readouterr().err
    assert said.startswith("The package index gave no dicom2stl-0.5.0.tar.gz (ERROR: ")
    assert said.count("\n") == 1


def test_what_was_fetched_is_run_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(real.unpack, "__defaults__", (archive(tmp_path / real.ARCHIVE),))
    monkeypatch.setattr(sys, "argv", ["real.py", "-o", str(tmp_path)])
    run = []

    def judged(scan: Path, output: Path) -> dict[str, Any] | None:
        run.append((scan.read_text(), output.name))
        details = {"left_hemisphere": {"threshold": 2.5}, "right_hemisphere": {"threshold": 2.5}, "skull": {}}
        scores = {"left_hemisphere": 2.51, "right_hemisphere": 2.5, "skull": None}
        found = {"scores": scores, "score_details": details, "quality": {"verdict": "pass"}}
        return found | {"findings": [{"code": "metal"}, {"code": "metal"}]} if output.name == "ct_head" else None

    monkeypatch.setattr(real, "judged", judged)
    assert real.main() == 1, "one of the two failed"
    assert run == [("ct_head", "ct_head"), ("ct_example", "ct_example")]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[2:] for line in lines[2:5]] == [
        ["left hemisphere", "2.51", "2.50", "**above** |"],
        ["right hemisphere", "2.50", "2.50", "below |"],
        ["skull", "none", "none", " |"],
    ]
    assert lines[5:] == ["ct_head: pose pass; flags: metal", f"picture: {tmp_path / 'ct_head' / 'overview.png'}"]


def test_a_run_that_is_refused_has_no_result(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert real.judged(tmp_path / "missing.nii.gz", tmp_path / "out") is None
    assert "missing.nii.gz" in capfd.readouterr().err
