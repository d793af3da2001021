"""`head-ct-anomaly dev memory`: memory of trainings, each measured in a process of its own.

`scripts.training.memory` defines the table's numbers. The table is written anew after each setup.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from scripts.commands.arguments import add_device, add_output, check_device, positive
from scripts.errors import OutputExists, WrongUsage
from scripts.files.atomic import check_writable, replace_file
from scripts.processes.local import importable

from ..memory import MEASURED, NETWORKS, Setup, measured_within_budget, setup

COLUMNS = (
    "network",
    "width",
    "batch",
    "batch_of",
    "parameters",
    "device",
    "measure",
    "memory_mb",
    "iterations",
    "status",
)
"""Columns of the table. A MB has 2^20 bytes; the status is "measured", or says why there is no number."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "setups",
        metavar="NETWORK:WIDTH:BATCH",
        type=setup,
        nargs="+",
        help=f"what to measure; networks: {', '.join(NETWORKS)}; a batch counts patches, crops, volumes or boxes",
    )
    add_output(parser, "file of the table (CSV)")
    add_device(parser)
    parser.add_argument("--iterations", type=positive, default=2, help="iterations of each (2; not fewer)")


def main(args: argparse.Namespace) -> int:
    """Measure each setup; 0 when every one has its row, with or without a number.

    Raises:
        WrongUsage: there is no such device, or too few iterations were asked for.
        OutputExists: the table's file is there already.
        OutputFailed: it can't be written.
    """
    from scripts.training.memory import FEWEST_ITERATIONS

    check_device(args.device)
    if args.iterations < FEWEST_ITERATIONS:
        raise WrongUsage(f"It takes {FEWEST_ITERATIONS} iterations to see what a training holds. Correct --iterations.")
    if args.output.exists():
        raise OutputExists(f"There is {args.output} already. Name another file: -o")
    check_writable(args.output.parent, args.output)
    rows: list[dict[str, str]] = []
    for wanted in args.setups:
        rows.append(measure(wanted, args.device, args.iterations))
        write_table(args.output, rows)
        print(in_words(rows[-1]), flush=True)
    print(args.output)
    return 0


def device_name(name: str) -> str:
    """A device's name in the table: the GPU's own name, or the CPU with its threads."""
    import torch

    if name.startswith("cuda") or (name == "auto" and torch.cuda.is_available()):
        return torch.cuda.get_device_name(None if name in ("auto", "cuda") else name)
    return f"CPU, {torch.get_num_threads()} of {os.cpu_count()} threads"


def in_words(row: Mapping[str, str]) -> str:
    """A row of the table as a line."""
    shown = f"{row['network']}, width {row['width']}, {row['batch']} {row['batch_of']} on {row['device']}: "
    if row["status"] != MEASURED:
        return shown + row["status"]
    return shown + f"{row['memory_mb']} MB ({row['measure']})"


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    """Replace the table; the file is complete at any moment."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.getvalue().encode())


def measure(wanted: Setup, device: str, iterations: int) -> dict[str, str]:
    """The row of a setup, from a process of its own; where that is killed, the row says so."""
    with importable(Path(__file__).parents[2]), ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            found = pool.submit(measured_within_budget, wanted, device, iterations).result()
        except BrokenProcessPool:
            found = {"status": "its process was killed: the machine's memory does not suffice"}
    facts = {"network": wanted.network, "width": wanted.width, "batch": wanted.batch, "iterations": iterations}
    facts |= {"batch_of": NETWORKS[wanted.network].batch_of, "device": device_name(device), **found}
    return {name: str(facts.get(name, "")) for name in COLUMNS}
