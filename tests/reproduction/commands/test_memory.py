"""The command that measures trainings: its table grows row by row, and nothing is measured twice."""

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
from scripts.errors import WrongUsage


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the setups that are measured, which takes no time; the autoencoder does not fit at first."""
    names: list[str] = []

    def measure(wanted: Setup, device: str, iterations: int) -> dict[str, str]:
        fits = wanted.network != "autoencoder" or wanted.name in names
        names.append(wanted.name)
        facts = {"network": wanted.network, "width": str(wanted.width), "batch": str(wanted.batch)}
        facts |= {"device": memory.device_name(device), "iterations": str(iterations)}
        facts |= {"memory_mb": "9", "status": MEASURED} if fits else {"status": "out of memory: 5 MB were free"}
        return {name: facts.get(name, "") for name in memory.COLUMNS}

    monkeypatch.setattr(memory, "measure", measure)
    return names


def test_nothing_is_measured_twice_but_what_did_not_fit(
    measured: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["memory", "position:1:8", "autoencoder:2:1", "-o", str(tmp_path / "new" / "memory.csv"), "--device", "cpu"]
    assert main(words) == 0
    assert "autoencoder, width 2, 1  on CPU" in capsys.readouterr().out
    assert main([*words[:3], "dense:1:1", *words[3:]]) == 0
    assert measured == ["position:1:8", "autoencoder:2:1", "autoencoder:2:1", "dense:1:1"]
    with (tmp_path / "new" / "memory.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["network"], row["status"]) for row in rows] == [
        ("position", MEASURED),
        ("autoencoder", MEASURED),
        ("dense", MEASURED),
    ]


def test_a_setup_is_measured_in_a_process_of_its_own_by_the_installed_command(tmp_path: Path) -> None:
    words = ["memory", "dense:1:1", "-o", "memory.csv", "--device", "cpu", "--iterations", "2"]
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "head_ct_position_anomaly", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=plain)
    assert done.returncode == 0, done.stderr
    (row,) = memory.read_table(tmp_path / "memory.csv")
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
    path = tmp_path / "other.csv"
    path.write_text("case,score\n")
    assert main(["memory", "dense:1:1", "-o", str(path)]) == 2
    assert "other.csv is no table of this command. Name another file: -o" in capsys.readouterr().err
    assert main(["memory", "dense:1:1", "-o", str(tmp_path / "new.csv"), "--iterations", "1"]) == 2
    assert "It takes 2 iterations to see what a training holds" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["memory", "-o", str(path)])


def test_what_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe")
    (tmp_path / "other.csv").write_text("a,b\n")
    for name, words in ((".", "can't be read"), ("bytes.csv", "can't be read"), ("other.csv", "is no table of this")):
        with pytest.raises(WrongUsage, match=rf"{words}.* Name another file: -o"):
            memory.read_table(tmp_path / name)
    assert memory.read_table(tmp_path / "none.csv") == []
