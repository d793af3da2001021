"""Shards that are killed again and again, and the merge of a large cohort; the networks alone are replaced.

    benchmarks/shards.py kills    200 small scans in 8 shards of 2 processes, each killed with SIGKILL five times at
                                  random moments; then one shard's folder is lost and made again; all is merged and
                                  compared with one undisturbed run
    benchmarks/shards.py merge    100,000 synthetic cases in 200 shards: time and memory of `merge`

A kill takes the command and its workers at once. Where a run ended before its moment, that is no kill, and the shard is
run again. The stand-in for the pipeline reads a scan's NIfTI file and scores the means of its halves.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

SHARDS, KILLS, WORKERS, CASE_S = 8, 5, 2, 0.3
"""Shards, kills of each, processes of each, and how long the stand-in takes for a case."""

WITHIN_S, START_S = 0.8, 6.0
"""A kill comes so long after the first case of a run, or after its start, at most."""

LARGE, LARGE_SHARDS = 100_000, 200
"""Cases and shards of the merge."""


def pretend(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Stands for the pipeline: the scores are the means of the halves of the scan, which is read."""
    import nibabel as nib
    import numpy as np

    from scripts.results.folder import write_results

    voxels = np.asarray(nib.load(values["dataset_dir"]).dataobj, np.float64)
    time.sleep(CASE_S)
    parts = (voxels[:4].mean(), voxels[4:].mean(), voxels.max())
    scores = dict(zip(("left_hemisphere", "right_hemisphere", "skull"), map(float, parts), strict=True))
    details = {region: {"threshold": 3.0, "voxels": 256, "calibrated": score} for region, score in scores.items()}
    result = {"scores": scores, "score_details": details, "timings_s": {"network": CASE_S}}
    write_results(values["output_dir"], {"heatmap.nii.gz": voxels.tobytes()}, result)


def stand_in_case(plan: Any, case: Any) -> Any:
    """`run_case` with the pipeline replaced, in any process."""
    from scripts.cohort import runner

    runner.run_configs = pretend
    return runner.run_case(plan, case)


def command(words: list[str]) -> int:
    """The command itself, in this process, with the pipeline replaced."""
    import shards  # this file by its name, under which the workers find the function

    from scripts.commands import cohort
    from scripts.commands.main import main

    cohort.run_case = shards.stand_in_case
    return main(words)


def started(*words: str) -> subprocess.Popen[bytes]:
    """The command in a group of processes of its own."""
    places = os.pathsep.join([str(ROOT / "bundle"), str(ROOT / "benchmarks")])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": places}
    program = [sys.executable, str(ROOT / "benchmarks" / "shards.py"), "command", *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(program, env=environment, start_new_session=True, **quiet)


def write_scans(folder: Path, count: int) -> Path:
    """So many scans of 8 x 8 x 8 voxels, and the list of them; its path."""
    import nibabel as nib
    import numpy as np

    chance = np.random.default_rng(0)
    folder.mkdir(parents=True)
    items = []
    for number in range(count):
        image = nib.Nifti1Image(chance.normal(1, 1, (8, 8, 8)).astype(np.float32), np.eye(4))
        nib.save(image, folder / f"scan_{number:03d}.nii.gz")
        items.append({"case": f"case-{number:03d}", "image": f"scan_{number:03d}.nii.gz"})
    (folder / "datalist.json").write_text(json.dumps({"test": items}))
    return folder / "datalist.json"


def finished(shard: Path) -> int:
    """Cases of a shard that have results."""
    folder = shard / "cases"
    return len([path for path in folder.iterdir() if path.name[0] != "."]) if folder.is_dir() else 0


def killed_shard(words: list[str], shard: Path, chance: random.Random) -> list[int]:
    """Run a shard, and kill it `KILLS` times at random moments; its finished cases at each kill.

    Four of five kills come within `WITHIN_S` of the first case of that run, the others at any moment from its start.
    """
    seen: list[int] = []
    while len(seen) < KILLS:
        run, began, early = started(*words), finished(shard), chance.random() < 0.2
        while not early and finished(shard) == began and run.poll() is None:
            time.sleep(0.05)
        time.sleep(chance.uniform(0, START_S if early else WITHIN_S))
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            seen.append(finished(shard))
    assert started(*words).wait() == 0
    return seen


def same_tables(first: Path, second: Path) -> bool:
    """True if the tables of two cohorts are equal, but for the seconds that a case took."""
    details = [
        [line.rpartition(",")[0] for line in (place / "score_details.csv").read_text().splitlines()]
        for place in (first, second)
    ]
    return details[0] == details[1] and (first / "scores.csv").read_bytes() == (second / "scores.csv").read_bytes()


def kills(place: Path, count: int, seed: int) -> None:
    """Kill all shards, lose one, merge, compare, and print what was seen."""
    datalist, began = write_scans(place / "scans", count), time.monotonic()
    whole = ["cohort", str(datalist), "-o", str(place / "whole"), "--device", "cpu", "--workers", str(WORKERS)]
    assert started(*whole).wait() == 0
    folders = [place / "parts" / f"shard_{number}_of_{SHARDS}" for number in range(1, SHARDS + 1)]
    words = [[*whole[:3], str(place / "parts"), *whole[4:], "--shard", f"{n}/{SHARDS}"] for n in range(1, SHARDS + 1)]
    chances = [random.Random(seed + number) for number in range(SHARDS)]
    with ThreadPoolExecutor(2) as pool:
        for number, seen in enumerate(pool.map(killed_shard, words, folders, chances), start=1):
            print(f"shard {number}: finished at each kill {seen}, at last {finished(folders[number - 1])}", flush=True)
    shutil.rmtree(folders[2])
    assert started("merge", *map(str, (f for f in folders if f.exists())), "-o", str(place / "all")).wait() == 2
    assert started(*words[2]).wait() == 0
    assert started("merge", *map(str, folders), "-o", str(place / "all")).wait() == 0
    cases = [line.partition(",")[0] for line in (place / "all" / "scores.csv").read_text().splitlines()[1:]]
    left = [path for folder in folders for path in folder.rglob(".*.partial")]
    equal = same_tables(place / "all", place / "whole")
    print(f"{len(cases)} rows, {len(set(cases))} cases of {count}; tables equal: {equal}")
    print(f"half-written files left: {len(left)}; {time.monotonic() - began:.0f} s")
    assert sorted(cases) == [f"case-{number:03d}" for number in range(count)]
    assert equal


def write_shards(place: Path, count: int, shards: int) -> list[Path]:
    """Finished shards of a synthetic cohort: tables, settings, and for each case its picture and thumbnail."""
    from scripts.cohort.folder import COHORT_FORMAT
    from scripts.cohort.shards import Shard
    from scripts.cohort.table import DONE, Found, Row, short_text, table_text
    from scripts.datasets.datalist import Case
    from scripts.results.terminal import OVERVIEW

    cases = [Case(f"case-{number:06d}", place, row=number) for number in range(count)]
    regions, chance = ("left_hemisphere", "right_hemisphere", "skull"), random.Random(0)
    parts = []
    for number in range(1, shards + 1):
        shard = Shard(number, shards)
        folder = place / shard.folder_name
        own = [case for case in cases if shard.holds(case.name)]
        rows = []
        for case in own:
            scores = {region: chance.uniform(0, 4) for region in regions}
            names = (*(f"score_{name}" for name in range(15)), "threshold", "percentile")
            details = {region: {name: chance.uniform(0.5, 4) for name in names} for region in regions}
            found = Found("pass", ("thick_slices",), ("frontal lobe on the right",), OVERVIEW, "")
            rows.append(Row(case.name, DONE, "", scores, details, 30.0, found))
            (folder / "cases" / case.name).mkdir(parents=True)
            (folder / "cases" / case.name / OVERVIEW).touch()
        (folder / "thumbnails").mkdir()
        for case in own:
            (folder / "thumbnails" / f"{case.name}.jpg").touch()
        facts = {"format": COHORT_FORMAT, "network": {"mode": "dense"}, "settings": {}, "shard": shard.place(cases)}
        facts["cases"] = {case.name: "0123456789abcdef" for case in own}
        (folder / "cohort.json").write_text(json.dumps(facts, indent=2))
        (folder / "scores.csv").write_text(short_text(rows, "cases"))
        (folder / "score_details.csv").write_text(table_text(rows))
        parts.append(folder)
    return parts


def merging(place: Path, count: int, shards: int) -> None:
    """Merge a synthetic cohort, and print the time and the memory that the command took."""
    parts = write_shards(place / "parts", count, shards)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    assert started("merge", *map(str, parts), "-o", str(place / "all")).wait() == 0
    wall_s, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with (place / "all" / "scores.csv").open() as file:
        rows = sum(1 for _ in file) - 1
    size = (place / "all" / "index.html").stat().st_size / 1e6
    memory = after.ru_maxrss / 2**20
    print(f"{rows} cases of {shards} shards: {wall_s:.1f} s, {cpu_s:.1f} CPU-s, {memory:.2f} GB; page {size:.1f} MB")
    assert rows == count


def main() -> int:
    """Do what the first argument names."""
    if sys.argv[1:2] == ["command"]:
        return command(sys.argv[2:])
    parser = argparse.ArgumentParser(description="shards that are killed, and the merge of a large cohort")
    parser.add_argument("what", choices=("kills", "merge"))
    parser.add_argument("--cases", type=int, help=f"so many (kills 200, merge {LARGE})")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (0)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if args.what == "kills":
            kills(Path(place), args.cases or 200, args.seed)
        else:
            merging(Path(place), args.cases or LARGE, LARGE_SHARDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
