"""Files and folders appear complete or not at all, and nothing is left beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.errors import OutputFailed
from scripts.files import atomic
from scripts.files.atomic import replace_file, staged, write_output


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
