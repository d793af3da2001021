"""The command that measures trainings: its table grows row by row, and never takes the place of another file."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from reproduction.commands import memory
from reproduction.memory import MEASURED, Setup
from scripts.commands.main import main


def test_a_row_for_each_setup_with_or_without_a_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(wanted: Setup, device: str, iterations: int) -> dict[str, str]:
        facts = {"network": wanted.network, "width": str(wanted.width), "batch": str(wanted.batch), "device": "CPU"}
        fits = {"memory_mb": "9", "measure": "process memory", "status": MEASURED}
        facts |= fits if wanted.network == "position" else {"status": "out of memory: 5 MB were free"}
        return {name: facts.get(name, "") for name in memory.COLUMNS}

    monkeypatch.setattr(memory, "measure", measure)
    path = tmp_path / "new" / "memory.csv"
    words = ["dev", "memory", "position:1:8", "autoencoder:2:1", "-o", str(path), "--device", "cpu"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "position, width 1, 8  on CPU: 9 MB (process memory)\n" in out
    assert "autoencoder, width 2, 1  on CPU: out of memory: 5 MB were free\n" in out
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["network"], row["memory_mb"]) for row in rows] == [("position", "9"), ("autoencoder", "")]
    assert main(words) == 4
    assert f"There is {path} already. Name another file: -o" in capsys.readouterr().err


def test_a_setup_is_measured_in_a_process_of_its_own_by_the_installed_command(tmp_path: Path) -> None:
    words = ["dev", "memory", "dense:1:1", "-o", "memory.csv", "--device", "cpu", "--iterations", "2"]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "head_ct_position_anomaly", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=plain)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "memory.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["status"], row["measure"], row["batch_of"]) == (MEASURED, "process memory", "crops")
    assert 1 < int(row["memory_mb"]) < 2000
    assert f"dense, width 1, 1 crops on {row['device']}: {row['memory_mb']} MB" in done.stdout


def test_a_process_that_is_killed_leaves_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed:
        def __init__(self, *_: Any) -> None:
            pass

        def __enter__(self) -> Killed:
            return self

        def __exit__(self, *_: Any) -> None:
            pass

        def submit(self, *_: Any) -> Any:
            raise BrokenProcessPool

    monkeypatch.setattr(memory, "ProcessPoolExecutor", Killed)
    row = memory.measure(Setup("autoencoder", 32, 4), "cpu", 2)
    assert row["status"] == "its process was killed: the machine's memory does not suffice"
    assert (row["network"], row["width"], row["batch"], row["batch_of"]) == ("autoencoder", "32", "4", "volumes")


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "memory", "dense:1:1", "-o", str(tmp_path / "new.csv"), "--iterations", "1"]) == 2
    assert "It takes 2 iterations to see what a training holds" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["dev", "memory", "-o", str(tmp_path / "new.csv")])
