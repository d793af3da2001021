"""`head-ct-anomaly verify`: exit codes, and what is said of which folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from scripts.commands.main import main
from scripts.files.nifti import nifti_bytes
from scripts.results.folder import write_results

ROOT = Path(__file__).resolve().parents[2]
FILES = {"heatmap.nii.gz": nifti_bytes(np.ones((4, 5, 6), np.float32), np.eye(4)), "overview.png": b"png"}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    """A complete folder and one of which two files are gone."""
    for name in ("good", "bad"):
        write_results(tmp_path / name, FILES, {})
    for name in FILES:
        (tmp_path / "bad" / name).unlink()
    return str(tmp_path / "good"), str(tmp_path / "bad")


def test_complete_results_are_0(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    good, _ = folders
    assert main(["verify", good]) == 0
    assert capsys.readouterr() == (f"{good} is complete.\n", "")


def test_incomplete_results_are_3_and_a_sentence(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = folders
    assert main(["verify", bad, good]) == 3
    problem = "heatmap.nii.gz is missing, and 1 other file has problems too. Make the results again."
    assert capsys.readouterr() == (f"{good} is complete.\n", f"{bad} is not complete: {problem}\n")


def test_json_names_every_problem(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = folders
    assert main(["verify", "--json", good, bad]) == 3
    missing = [{"file": name, "problem": "is missing"} for name in FILES]
    assert json.loads(capsys.readouterr().out) == [
        {"folder": good, "complete": True, "problems": []},
        {"folder": bad, "complete": False, "problems": missing},
    ]


def test_a_folder_that_is_not_there_is_wrong_usage(
    folders: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", folders[0], folders[0] + "/nothing"]) == 2
    assert capsys.readouterr().err == f"There is no folder {folders[0]}/nothing. Name folders of results.\n"


def test_it_starts_without_the_heavy_libraries() -> None:
    code = "import sys, scripts.commands.verify; print(*({'torch', 'monai', 'itk'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "bundle", capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
