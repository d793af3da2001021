"""A user without a name or a place for files works; in a working directory that was removed, a sentence is said."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.workflow import prepare_process

BUNDLE = Path(__file__).resolve().parents[1] / "bundle"

NAMES = ("LOGNAME", "USER", "LNAME", "USERNAME")
"""Environment variables in which Python looks for the user's name."""

NOBODY = 1_234_567
"""A user who is not in the password file."""

PLACES = ("HOME", "TMPDIR")


WITHOUT_A_PLACE = """
import tempfile
tempfile._candidate_tempdir_list = lambda: ["/nowhere"]
from scripts.workflow import import_monai
import_monai()
print("imported")
"""
"""A program that imports MONAI where no folder for temporary files can be written to."""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_monai_is_imported_for_a_user_without_an_entry_in_the_password_file() -> None:
    """The effective user stays root, so that Python's own files can be read wherever they are."""
    code = (
        "import getpass; from scripts.commands.main import main; from scripts.workflow import import_monai\n"
        "main(['inspect', '/nowhere']); import_monai(); print(getpass.getuser())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={name: value for name, value in os.environ.items() if name not in (*NAMES, *PLACES)}
        | {"PYTHONPATH": str(BUNDLE), "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.setresuid(NOBODY, 0, 0),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, [f"uid{NOBODY}"]), done.stderr


def test_monai_is_imported_where_neither_home_nor_a_temporary_folder_can_be_written_to() -> None:
    places = {"PYTHONPATH": str(BUNDLE), "HOME": "/proc/nowhere", "OMP_NUM_THREADS": "1"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL"))}
    done = subprocess.run([sys.executable, "-c", WITHOUT_A_PLACE], env=kept | places, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "imported\n"), done.stderr


def test_only_a_user_without_a_name_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "reader")
    prepare_process()
    assert getpass.getuser() == "reader"
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.setattr("os.getuid", lambda: 77)
    prepare_process()
    assert getpass.getuser() == "uid77"


def test_a_working_directory_that_was_removed_is_wrong_usage(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()

    def leave_it() -> None:
        os.chdir(folder)
        folder.rmdir()

    done = subprocess.run(
        [sys.executable, str(BUNDLE), "run", str(tmp_path / "scan"), "-o", str(tmp_path / "out")],
        preexec_fn=leave_it,
        capture_output=True,
        text=True,
    )
    assert done.stderr == "The working directory was removed. Change to a folder that exists and try again.\n"
    assert (done.returncode, done.stdout) == (2, "")
