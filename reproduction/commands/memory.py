"""`head-ct-anomaly memory`: what trainings take of memory, each measured in a process of its own.

The table, whose numbers `training_peak` defines, is written anew after each setup. Setups that are in it
already, measured on the same device, are not measured again; those that did not fit are tried again.
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
from typing import Any

from scripts.commands.arguments import check_device, device, positive
from scripts.errors import WrongUsage
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


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("memory", help="measure the memory of trainings")
    parser.add_argument(
        "setups",
        metavar="NETWORK:WIDTH:BATCH",
        type=setup,
        nargs="+",
        help=f"what to measure; networks: {', '.join(NETWORKS)}; a batch counts patches, crops, volumes or boxes",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the table (CSV)")
    parser.add_argument("--device", type=device, default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("--iterations", type=positive, default=2, help="iterations of each (2; not fewer)")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Measure what the table does not hold yet; 0 when every setup has its row, with or without a number.

    Raises:
        WrongUsage: there is no such device, the table is another one, or too few iterations were asked for.
        OutputFailed: the table can't be written.
    """
    from scripts.training.memory import FEWEST_ITERATIONS

    check_device(args.device)
    if args.iterations < FEWEST_ITERATIONS:
        raise WrongUsage(f"It takes {FEWEST_ITERATIONS} iterations to see what a training holds. Correct --iterations.")
    check_writable(args.output.parent, args.output)
    rows = read_table(args.output)
    where = device_name(args.device)
    for wanted in args.setups:
        row = row_of(rows, wanted, where)
        if row is None or row["status"] != MEASURED:
            rows = [other for other in rows if other is not row]
            row = measure(wanted, args.device, args.iterations)
            rows.append(row)
            write_table(args.output, rows)
        print(in_words(row), flush=True)
    print(args.output)
    return 0


def device_name(name: str) -> str:
    """A device's name in the table: the GPU's own name, or the CPU with its threads."""
    import torch

    if name.startswith("cuda") or (name == "auto" and torch.cuda.is_available()):
        return torch.cuda.get_device_name(None if name in ("auto", "cuda") else name)
    return f"CPU, {torch.get_num_threads()} of {os.cpu_count()} threads"


def row_of(rows: list[dict[str, str]], wanted: Setup, where: str) -> dict[str, str] | None:
    """The row of a setup on a device, if the table has one."""
    key = (*wanted.name.split(":"), where)
    return next((row for row in rows if (row["network"], row["width"], row["batch"], row["device"]) == key), None)


def in_words(row: Mapping[str, str]) -> str:
    """A row of the table as a line."""
    shown = f"{row['network']}, width {row['width']}, {row['batch']} {row['batch_of']} on {row['device']}: "
    if row["status"] != MEASURED:
        return shown + row["status"]
    return shown + f"{row['memory_mb']} MB ({row['measure']})"


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a table that was begun; none where there is no file.

    Raises:
        WrongUsage: the file is another one.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows, columns = list(reader), tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WrongUsage(f"{path} can't be read ({error}). Name another file: -o") from error
    if columns != COLUMNS:
        raise WrongUsage(f"{path} is no table of this command. Name another file: -o")
    return rows


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
