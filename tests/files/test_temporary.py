"""Temporary folders: removed again, and a sentence where there is no place for them."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import pytest

from scripts.commands.main import main
from scripts.errors import OutputFailed
from scripts.files.temporary import temporary_folder


@pytest.fixture
def no_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder that Python tries for temporary files is there."""
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))  # else Matplotlib is hidden from later tests
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "missing")])


def test_a_folder_is_there_while_it_is_used() -> None:
    with temporary_folder() as folder:
        (folder / "file").write_text("something")
        assert folder.name.startswith("head_ct_")
    assert not folder.exists()


@pytest.mark.usefixtures("no_place")
def test_without_a_place_a_sentence_names_the_remedy() -> None:
    named = r"temporary files can be written to, .* environment variable TMPDIR\."
    with pytest.raises(OutputFailed, match=named), temporary_folder():
        pass


@pytest.mark.usefixtures("no_place")
def test_a_zip_archive_then_fails_as_an_output_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as file:
        file.writestr("slice", b"1")
    assert main(["inspect", str(tmp_path / "scan.zip")]) == 4
    assert capsys.readouterr().err.startswith("No folder for temporary files can be written to")
