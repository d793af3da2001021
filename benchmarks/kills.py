"""Runs killed at random moments: counts partial results that pass as complete, and reruns that succeed.

    python benchmarks/kills.py [--runs 50] [--writes 300] [--seed 0]

First `head-ct-anomaly run` on the sample at stride 4, killed (SIGKILL) after a random time between its start and its
end as measured before; the folder is the same each time, so that each run meets what the one before it left. Since
writing is a small part of a run, a process that does nothing but write results to one folder, for the first time and
over earlier ones in turn, is killed at random moments too. After each kill the folder must be *absent* or *complete*,
by `verify`; anything else is *partial*. The *rerun* is one set of results written to the same place, after which
nothing else may lie there; after the last kill it is the whole command.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

COMMAND = [sys.executable, str(ROOT / "bundle")]

WRITER = """
import os, shutil, sys
from pathlib import Path
from scripts.results.folder import write_results
out = Path(sys.argv[1])
names = ("heatmap.nii.gz", "error_map.nii.gz", "regions.nii.gz", "overview.png")
for number in range(10**6):
    if number % 2 == 0 and out.exists():
        out.rename(out.with_name("taken_away"))
        shutil.rmtree(out.with_name("taken_away"))
    write_results(out, {name: os.urandom(200_000) for name in names}, {"number": number}, overwrite=True)
    if not number:
        print("begun", flush=True)
"""
"""Writes results again and again; every second time there are earlier ones."""

WRITING_S = 0.3
"""The writer is killed within so long of its first results, which is several times what it takes to write one set."""

Outcomes = Counter[str]


def state(folder: Path) -> str:
    """The state of a results folder: nothing, complete results, or something else."""
    from scripts.results.checks import problems

    if not folder.exists():
        return "absent"
    return "complete" if not _hash_problems(problems(folder)) else "partial"


def _hash_problems(found: dict[str, str]) -> dict[str, str]:
    """Without those of volumes that the writer made of random bytes."""
    return {name: problem for name, problem in found.items() if not problem.startswith("can't be read as a volume")}


def rerun(folder: Path) -> bool:
    """Write one set of results where something was killed; whether it is complete, and alone."""
    from scripts.results.folder import write_results
    from scripts.results.record import verify

    write_results(folder, {"heatmap.nii.gz": b"again"}, {}, overwrite=True)
    verify(folder)
    alone = {path.name for path in folder.parent.iterdir()} <= {folder.name, "taken_away"}
    for path in folder.parent.iterdir():
        shutil.rmtree(path)
    return alone


def command(folder: Path) -> list[str]:
    """The real command, on the sample."""
    sample = str(ROOT / "sample" / "dicom")
    return [*COMMAND, "run", sample, "-o", str(folder), "--stride", "4", "--device", "cpu"]


def killed_run(folder: Path, after_s: float) -> str:
    """Kill the real command after a time; whether it was writing then, by its staging folder, or had ended."""
    run = subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run.wait(after_s)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
        return "killed while writing" if list(folder.parent.glob(".*.partial")) else "killed before writing"
    return "ended before it was killed"


def killed_write(folder: Path, after_s: float) -> str:
    """Kill the writer some time after its first results; whether something was half-written then."""
    words = [sys.executable, "-c", WRITER, str(folder)]
    run = subprocess.Popen(words, cwd=ROOT / "bundle", stdout=subprocess.PIPE)
    assert run.stdout is not None
    run.stdout.readline()
    time.sleep(after_s)
    run.kill()
    run.communicate()
    return "killed while writing" if list(folder.parent.glob(".*.partial")) else "killed between"


def kills(kill: Callable[[Path, float], str], folder: Path, moments: list[float], name: str) -> Outcomes:
    """Kill at each moment, look at what is left, and write again; how often each thing was seen."""
    seen: Outcomes = Counter()
    for number, moment in enumerate(moments, start=1):
        how, left = kill(folder, moment), state(folder)
        again = rerun(folder)
        seen.update([how, f"then {left}", "rerun succeeded" if again else "rerun left something"])
        print(f"{name} {number}/{len(moments)} after {moment:.2f} s: {how}, {left}", flush=True)
    return seen


def main() -> None:
    """Measure the command, kill it, kill the writer, run the command once more, and print the table."""
    parser = argparse.ArgumentParser(description="runs that are killed at random moments")
    parser.add_argument("--runs", type=int, default=50, help="kills of the whole command (50)")
    parser.add_argument("--writes", type=int, default=300, help="kills of the writing alone (300)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    args = parser.parse_args()
    chance = random.Random(args.seed)
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "results" / "out"
        began = time.monotonic()
        subprocess.run(command(folder), check=True, stdout=subprocess.DEVNULL)
        whole_s = time.monotonic() - began
        print(f"the command takes {whole_s:.1f} s", flush=True)
        shutil.rmtree(folder)
        writes = kills(killed_write, folder, [WRITING_S * chance.random() for _ in range(args.writes)], "write")
        runs = kills(killed_run, folder, [whole_s * chance.random() for _ in range(args.runs)], "run")
        status = subprocess.run(command(folder), stdout=subprocess.DEVNULL).returncode
        last = f"exit code {status}, {state(folder)}"
    for name, seen in (("the whole command", runs), ("the writing alone", writes)):
        print(f"{name}: " + ", ".join(f"{what} {count}" for what, count in sorted(seen.items())))
    print(f"the whole command after the last kill: {last}")


if __name__ == "__main__":
    main()
