"""Several runs at the same time, each a process: into one folder one wins, into different ones all do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from scripts.results.folder import write_results
from scripts.results.record import verify

ROOT = Path(__file__).resolve().parents[2]
COUNT = 4

CODE = """
import sys
from scripts.commands import main
from scripts.reading import inputs
from scripts.results import judging
from scripts.results.folder import write_results
def pipeline(names, values):
    print("works", flush=True)
    sys.stdin.readline()
    scan = {"scan": values["dataset_dir"].name, "scores": {}, "summary": "Nothing."}
    write_results(values["output_dir"], {"heatmap.nii.gz": b"voxels"}, scan, values["overwrite"])
inputs.check_input = lambda path, uid: None
judging.run_configs = pipeline
sys.exit(main.main(sys.argv[1:]))
"""
"""`run` with a pipeline that does not end before it is told so."""


def started(folder: Path, number: int, out: str, *more: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", CODE, "run", f"scan_{number}", "-o", str(folder / out), *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "bundle")}
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env)


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_one_of_four_wins_and_three_say_why_not_before_any_work(tmp_path: Path, more: list[str]) -> None:
    if more:
        write_results(tmp_path / "out", {"heatmap.nii.gz": b"earlier"}, {})
    runs = [started(tmp_path, number, "out", *more) for number in range(COUNT)]
    first = [run.stdout.readline() for run in runs if run.stdout]  # "works", or nothing from one that has ended
    said = [run.communicate("\n", timeout=120) for run in runs]
    codes = [run.returncode for run in runs]
    assert Counter(codes) == {0: 1, 4: COUNT - 1}
    winner = codes.index(0)
    assert [number for number, line in enumerate(first) if line] == [winner], "the others did not begin"
    sentence = f"Another process writes to {tmp_path}/out at this moment. Wait for it, or choose another folder.\n"
    assert [err for number, (_, err) in enumerate(said) if number != winner] == [sentence] * (COUNT - 1)
    assert verify(tmp_path / "out")["scan"] == f"scan_{winner}"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_into_different_folders_all_win(tmp_path: Path) -> None:
    runs = [started(tmp_path, number, f"new/{number}") for number in range(COUNT)]
    assert [run.stdout.readline() for run in runs if run.stdout] == ["works\n"] * COUNT, "side by side"
    for run in runs:
        run.communicate("\n", timeout=120)
    assert [run.returncode for run in runs] == [0] * COUNT
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["0", "1", "2", "3"]
