"""The viewer's script is found as a file, without an import of the package that has it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from scripts.results.report import niivue as module
from scripts.results.report.niivue import Script, niivue

ROOT = Path(__file__).resolve().parents[3]


class Installed:
    """A distribution in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def locate_file(self, name: str) -> Path:
        return self.folder / name


def placed(folder: Path, text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the package be in a folder, with a script."""
    path = folder / module.SCRIPT
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    monkeypatch.setattr(module, "distribution", lambda name: Installed(folder) if name == "nilearn" else 1 / 0)


def test_the_script_tells_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed(tmp_path, b'var a={version:"1.20.3"};', monkeypatch)
    assert niivue() == Script(b'var a={version:"1.20.3"};', "1.20.3")


def test_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed(tmp_path, b"var a", monkeypatch)
    assert niivue() == Script(b"var a", "")


def test_without_the_package_or_the_file_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "distribution", lambda _: Installed(tmp_path))
    assert niivue() is None

    def absent(_: str) -> Any:
        raise PackageNotFoundError

    monkeypatch.setattr(module, "distribution", absent)
    assert niivue() is None


def test_the_one_that_is_installed_is_niivue_and_nilearn_is_not_imported() -> None:
    if niivue() is None:
        pytest.skip("nilearn, which has NiiVue, is not installed")
    code = "from scripts.results.report.niivue import niivue; import sys; s = niivue(); "
    code += "print(s.version, b'Niivue' in s.text, 'nilearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "bundle", capture_output=True, text=True, check=True)
    version, is_it, imported = done.stdout.split()
    assert version.startswith("0.")
    assert (is_it, imported) == ("True", "False")
