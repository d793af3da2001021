"""`folder_swap`: two folders change places, or nothing happens."""

from __future__ import annotations

import ctypes
import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.files import swap as folder_swap
from scripts.files.swap import swap


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
    monkeypatch.setattr(folder_swap.ctypes, "CDLL", lambda *_, **__: library)
    one, other = two(tmp_path)
    assert swap(one, other) is False
    assert contents(one, other) == [["one"], ["other"]]
