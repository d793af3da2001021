"""Files and folders appear complete or not at all, and nothing is left beside them."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.errors import OutputFailed
from scripts.files import atomic
from scripts.files.atomic import replace_file, staged, swap, write_output


@pytest.mark.parametrize("write", [replace_file, write_output])
def test_a_file_is_replaced_and_its_folder_is_made(write: Callable[[Path, bytes], None], tmp_path: Path) -> None:
    write(tmp_path / "new" / "file", b"first")
    write(tmp_path / "new" / "file", b"second")
    assert [(path.name, path.read_bytes()) for path in (tmp_path / "new").iterdir()] == [("file", b"second")]


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    with staged(tmp_path / "out") as partial:
        partial.mkdir()
        (partial / "a").write_text("a")
        assert not (tmp_path / "out").exists()
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["out", "out/a"]


@pytest.mark.parametrize("folder", [True, False])
def test_nothing_is_left_of_what_failed(folder: bool, tmp_path: Path) -> None:
    context = staged(tmp_path / "out")
    partial = context.__enter__()
    partial.mkdir() if folder else partial.touch()
    assert not context.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_file(tmp_path / "file", b"before")
    monkeypatch.setattr(atomic, "sha256", lambda path: "another")
    with pytest.raises(OutputFailed, match=r"not written to .*/file: it reads back differently"):
        write_output(tmp_path / "file", b"later")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"before")]


def two(folder: Path) -> tuple[Path, Path]:
    """Two folders, each with a file that has its name."""
    for name in ("one", "other"):
        (folder / name).mkdir()
        (folder / name / name).touch()
    return folder / "one", folder / "other"


def contents(*folders: Path) -> list[list[str]]:
    return [[path.name for path in folder.iterdir()] for folder in folders]


def test_two_folders_change_places(tmp_path: Path) -> None:
    one, other = two(tmp_path)
    if not swap(one, other):
        pytest.skip("this file system can't")
    assert contents(one, other) == [["other"], ["one"]]


def test_what_is_missing_is_an_error(tmp_path: Path) -> None:
    one, _ = two(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"No such file or directory: .*one.* -> .*nothing"):
        swap(one, tmp_path / "nothing")


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EINVAL, None])
def test_a_system_that_does_not_know_the_call_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    def refuse(*_: Any) -> int:
        ctypes.set_errno(number or 0)
        return -1

    library = SimpleNamespace() if number is None else SimpleNamespace(renameat2=refuse)
    monkeypatch.setattr(atomic.ctypes, "CDLL", lambda *_, **__: library)
    one, other = two(tmp_path)
    assert swap(one, other) is False
    assert contents(one, other) == [["one"], ["other"]]


def test_windows_has_no_such_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str | None, **_: Any) -> None:
        raise TypeError("LoadLibrary() argument 1 must be str, not None")

    monkeypatch.setattr(atomic.ctypes, "CDLL", load)
    one, other = two(tmp_path)
    assert swap(one, other) is False
    assert contents(one, other) == [["one"], ["other"]]
