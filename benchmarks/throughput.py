"""Measures the cost of a scan in a process that scores many, and how long networks wait for their callers.

    python benchmarks/throughput.py steady SCANS [--scans 4]
    python benchmarks/throughput.py waits [--workers 1 2 4 8] [--network-s 0.1] [--rest-s 1]
    python benchmarks/throughput.py cohort SCANS [--workers 1 2 4 8] [--networks own] [--device cuda]

SCANS is a folder of scans. `steady` scores some of them in this process, without a report, and prints the CPU-seconds
of the first one, which pays the start, and of the others in the median, by stage (see `run.py`). `waits` needs no GPU:
stand-ins for scans and for networks that sleep, so that processes share no core; each network call takes `--network-s`,
the rest of a scan `--rest-s`. `cohort` runs the command once for each number of workers, with the networks in the
command's process (`--networks shared`, for a machine with a GPU) or in each worker (`own`), and prints what all its
processes took and the most memory that one of them held at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from run import ROOT, STAGES, Clock

LOOK_S = 0.2
"""Seconds between two looks at the memory of processes."""

MORE_STAGES = (("keep the registered scan", "scripts.datasets.registered", "save_registered"), *STAGES)
"""The stages of a run, and that of a cohort."""


def steady(args: argparse.Namespace) -> None:
    """Print the CPU-seconds of the first scan and of the later ones, by stage."""
    from scripts.cohort.runner import Plan, run_case
    from scripts.cohort.scan_folder import cases_in
    from scripts.workflow import import_monai

    cases = cases_in(args.folder)[: args.scans]
    clock, costs = Clock(), list[dict[str, float]]()
    with tempfile.TemporaryDirectory() as folder:
        root = args.keep or Path(folder)
        values = {"device": "$torch.device('cpu')", "report": False, "stride": args.stride}
        plan, last = Plan(("inference.json",), values, root, root / "registered"), {"in all": 0.0}
        import_monai()
        clock.install(MORE_STAGES)
        for case in cases:
            row = run_case(plan, case)
            now = {stage: cpu for stage, (_, cpu) in clock.costs.items()} | {"in all": time.process_time()}
            cost = {stage: value - last.get(stage, 0.0) for stage, value in now.items()}
            cost["other"] = 2 * cost["in all"] - sum(cost.values())
            costs.append(cost)
            last = now
            print(f"{case.name}: {row.status} {row.reason}, {cost['in all']:.1f} CPU-seconds", flush=True)
    names = dict.fromkeys([*(stage for stage, _, _ in MORE_STAGES), "other", "in all"])
    print("\n| CPU-seconds | first scan | later scans, median |\n|---|---|---|")
    for name in (name for name in names if any(name in cost for cost in costs)):
        later = median(cost.get(name, 0.0) for cost in costs[1:])
        print(f"| {name} | {costs[0].get(name, 0.0):.2f} | {later:.2f} |", flush=True)


def asleep(seconds: float, _: Any) -> None:
    """Stands for networks."""
    time.sleep(seconds)


def stand_in(server: Any, rest_s: float, number: int) -> int:
    """Stands for a scan: half of the rest, the networks, the other half."""
    from scripts.processes.serving import ask

    time.sleep(rest_s / 2)
    ask(server, "networks", number)
    time.sleep(rest_s / 2)
    return number


def waits(args: argparse.Namespace) -> None:
    """Print scans an hour and the share of time in which stand-ins for networks wait, by number of workers."""
    from scripts.processes.local import importable, in_processes
    from scripts.processes.serving import serving

    print(f"networks {args.network_s} s a scan, the rest {args.rest_s} s\n")
    print("| workers | scans an hour | the networks wait, % of the time | scans they waited for |\n|---|---|---|---|")
    for workers in args.workers:
        with serving({"networks": partial(asleep, args.network_s)}) as server, importable(Path(__file__).parent):
            list(in_processes(partial(stand_in, server.address, args.rest_s), range(args.scans * workers), workers))
            usage = server.usage
        rate = 3600 * usage.requests / (usage.open_s + args.rest_s)  # half of a scan comes before the first request
        print(f"| {workers} | {rate:.0f} | {100 * usage.waiting:.0f} | {usage.waits} of {usage.requests} |", flush=True)


def cohort(args: argparse.Namespace) -> None:
    """Print what the whole command takes, by number of workers."""
    columns = ("workers", "wall s", "scans an hour", "CPU-seconds a scan", "most MB of a process", "networks wait, %")
    print("|".join(["", *(f" {name} " for name in columns), ""]) + "\n" + "|---" * len(columns) + "|")
    for workers in args.workers:
        with tempfile.TemporaryDirectory() as folder:
            words = ["cohort", str(args.folder), "-o", f"{folder}/out", "--workers", str(workers)]
            words += ["--device", args.device, "--networks", args.networks, "--stride", str(args.stride)]
            code = "import sys; from scripts.commands.main import main; sys.exit(main(sys.argv[1:]))"
            env = {**os.environ, "PYTHONPATH": str(ROOT / "bundle"), "OMP_NUM_THREADS": "1"}
            begin, cpu, said = time.perf_counter(), children_cpu_s(), Path(folder, "said")
            with said.open("w") as file:
                running = subprocess.Popen([sys.executable, "-c", code, *words], env=env, stdout=file, stderr=file)
                most = most_mb(running)
            seconds, cpu = time.perf_counter() - begin, children_cpu_s() - cpu
            if running.returncode:
                raise SystemExit(said.read_text())
            scans = len(json.loads(Path(folder, "out", "cohort.json").read_text())["cases"])
            waiting = re.findall(r"waited (\d+) % of the time", said.read_text()) or ["-"]
        found = (
            workers,
            f"{seconds:.0f}",
            f"{3600 * scans / seconds:.0f}",
            f"{cpu / scans:.1f}",
            f"{most:.0f}",
            waiting[-1],
        )
        print("|".join(["", *(f" {value} " for value in found), ""]), flush=True)


def children_cpu_s() -> float:
    """CPU-seconds of all ended children of this process, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def most_mb(running: subprocess.Popen[bytes]) -> float:
    """The most resident memory, MB, that one process of a command held at a time, looked at until the command ends."""
    most = 0
    while running.poll() is None:
        with contextlib.suppress(psutil.Error):
            first = psutil.Process(running.pid)
            for process in (first, *first.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    most = max(most, process.memory_info().rss)
        time.sleep(LOOK_S)
    return most / 1e6


def main() -> None:
    """Measure one of the three."""
    parser = argparse.ArgumentParser(description="throughput of a cohort")
    kinds = parser.add_subparsers(required=True)
    for function in (steady, waits, cohort):
        kind = kinds.add_parser(function.__name__, help=function.__doc__)
        kind.set_defaults(function=function)
        if function is waits:
            kind.add_argument("--network-s", type=float, default=0.1, help="seconds of the networks for a scan")
            kind.add_argument("--rest-s", type=float, default=1.0, help="seconds of everything else")
            kind.add_argument("--scans", type=int, default=10, help="scans a worker")
        else:
            kind.add_argument("folder", type=Path, help="folder of scans")
            kind.add_argument("--stride", type=int, default=2)
        if function is steady:
            kind.add_argument("--scans", type=int, default=4, help="scans to score")
            kind.add_argument("--keep", type=Path, help="folder to leave the results in")
        else:
            kind.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    kinds.choices["cohort"].add_argument("--device", default="auto")
    kinds.choices["cohort"].add_argument("--networks", choices=("shared", "own"), default="shared")
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
