"""Zip archives of scans: unpacked under numbers, removed again, and refused where they can't be used."""

from __future__ import annotations

import errno
import os
import random
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts.errors import OutputFailed
from scripts.files import zipped
from scripts.files.zipped import unpacked
from scripts.findings import InputRefused


def archive(folder: Path, content: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "scan.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return folder / "scan.zip"


def test_names_inside_are_not_used(tmp_path: Path) -> None:
    content = {"../../evil": b"1", "Doe^Jane/IM1": b"2", "__MACOSX/._IM1": b"3", ".DS_Store": b"4", "/abs/IM2": b"5"}
    with unpacked(archive(tmp_path, content)) as place:
        assert {path.name: path.read_bytes() for path in place.iterdir()} == {
            "000001": b"1",
            "000002": b"2",
            "000003": b"5",
        }
    assert not place.exists()
    assert not place.parent.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["scan.zip"]


def test_other_contents_never_have_the_same_times(tmp_path: Path) -> None:
    """Caches tell scans apart by the names, sizes and times of their files."""
    times = []
    for content in (b"one", b"two", b"one"):
        with unpacked(archive(tmp_path, {"a": content})) as place:
            times.append((place / "000001").stat().st_mtime_ns)
    assert times[0] == times[2] != times[1]


def test_the_only_nifti_is_the_scan(tmp_path: Path) -> None:
    with unpacked(archive(tmp_path, {"Jane/HEAD.NII.GZ": b"x"})) as place:
        assert (place.name, place.read_bytes()) == ("000001.nii.gz", b"x")
    with unpacked(archive(tmp_path, {"scan.json": b"{}", "scan.nii.gz": b"x"})) as place:
        assert (place.name, place.read_bytes()) == ("000002.nii.gz", b"x")
    with unpacked(archive(tmp_path, {"a.nii": b"x", "b.nii": b"y"})) as place:
        assert sorted(path.name for path in place.iterdir()) == ["000001.nii", "000002.nii"]


def test_other_paths_are_given_back(tmp_path: Path) -> None:
    (tmp_path / "folder.zip").mkdir()
    for path in (tmp_path, tmp_path / "folder.zip", tmp_path / "missing.zip", tmp_path / f"{300 * 'x'}.zip"):
        with unpacked(path) as place:
            assert place == path


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_refused_however_it_is_compressed(method: int, tmp_path: Path) -> None:
    path = tmp_path / "scan.zip"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("a", random.Random(0).randbytes(4000) * 2)
    whole = path.read_bytes()
    for at in range(60, 4000, 200):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with pytest.raises(InputRefused) as refused, unpacked(path):
            pytest.fail("it was read")
        assert refused.value.code == "zip_unusable"


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused, unpacked(archive(tmp_path, {".": b"1"})):
        pytest.fail("it was read")
    assert refused.value.code == "zip_unusable"


def failing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the system fail while a member is unpacked."""

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(zipped.shutil, "copyfileobj", fails)


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errno.ENOSPC)
    said = rf"into {re.escape(tempfile.gettempdir())}: No space left on device\. Free some space there, or name another"
    with pytest.raises(OutputFailed, match=said), unpacked(archive(tmp_path, {"a": b"1"})):
        pytest.fail("it was read")


def test_a_disk_that_fails_is_no_fault_of_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, errno.EIO)
    with (
        pytest.raises(InputRefused, match=r"can't be unpacked \(Input/output error\)\. Check the disk") as refused,
        unpacked(archive(tmp_path, {"a": b"1"})),
    ):
        pytest.fail("it was read")
    assert refused.value.code == "read_failed"


def test_what_can_not_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = archive(tmp_path, {"a": bytes(range(256)) * 40}).read_bytes()
    flipped = bytearray(whole)
    flipped[60] ^= 255
    for content in (b"no archive", whole[:-30], bytes(flipped)):
        (tmp_path / "scan.zip").write_bytes(content)
        with (
            pytest.raises(InputRefused, match=r"can't be read \(\w+\)\. Unpack it and give"),
            unpacked(tmp_path / "scan.zip"),
        ):
            pytest.fail("it was read")
    encrypted = bytearray(whole)
    encrypted[6] |= 1
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "scan.zip").write_bytes(encrypted)
    with pytest.raises(InputRefused, match="The zip archive is encrypted"), unpacked(tmp_path / "scan.zip"):
        pytest.fail("it was read")
    (tmp_path / "scan.zip").write_bytes(whole)
    monkeypatch.setattr(zipped, "MOST_BYTES", 1000)
    with (
        pytest.raises(InputRefused, match=r"holds 1 file of 0\.0 GB\. Unpack") as refused,
        unpacked(tmp_path / "scan.zip"),
    ):
        pytest.fail("it was read")
    assert refused.value.code == "zip_unusable"


def test_an_archive_that_may_not_be_read_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path, {"IM1": b"1"})

    def denied(name: str, *_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), name)

    monkeypatch.setattr("zipfile.io.open", denied)
    with (
        pytest.raises(InputRefused, match=r"scan\.zip can't be read \(Permission denied\)\. Check") as refused,
        unpacked(path),
    ):
        pytest.fail("it was read")
    assert refused.value.code == "path_missing"
