"""A disk that is really full or read-only, on the real way of writing: one sentence, exit code 4, and nothing is left.

A small file system in memory is mounted for it, which only root may do; elsewhere these tests are skipped.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.commands.main import main
from scripts.errors import OutputFailed
from scripts.results import judging
from scripts.results.folder import write_results
from scripts.results.record import verify

SIZE_KB = 1024
"""Of the file system: room for one set of results, not for two."""

FILES = {"heatmap.nii.gz": os.urandom(300_000), "error_map.nii.gz": os.urandom(300_000), "overview.png": b"png"}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with little room in it."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("a file system can't be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_full_disk_leaves_nothing_of_the_new_and_all_of_the_earlier_results(disk: Path) -> None:
    write_results(disk / "out", FILES, {"run": 1})
    for place, overwrite in ((disk / "other", False), (disk / "out", True)):
        with pytest.raises(OutputFailed, match=rf"not written to {place}: No space left on device\. Free some space"):
            write_results(place, FILES, {"run": 2}, overwrite)
    assert names(disk) == {"out"}
    assert verify(disk / "out")["run"] == 1


def test_a_disk_that_is_full_to_the_last_byte(disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (disk / "theirs").write_bytes(bytes(SIZE_KB * 2000))
    with pytest.raises(OutputFailed, match="No space left on device"):
        write_results(disk / "new" / "out", FILES, {})
    assert names(disk) == {"theirs"}


def test_a_read_only_disk_is_said_before_any_work(
    disk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "run_configs", lambda *args: pytest.fail("it worked in vain"))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert main(["run", "IN", "-o", str(disk / "out")]) == 4
    assert "Read-only file system. It is read-only: choose another folder." in capsys.readouterr().err
    assert names(disk) == set()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_an_error_that_only_syncing_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """As network file systems and quotas do: writing succeeds, and what was written is lost."""

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputFailed, match=os.strerror(number)):
        write_results(tmp_path / "out", FILES, {})
    assert names(tmp_path) == set()
