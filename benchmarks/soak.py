"""Many scans in one process: growth of memory, file descriptors, threads and temporary files.

    python benchmarks/soak.py [--runs 200] [--refused 3] [--log FILE.csv]

runs the sample through the whole `run` again and again, as a DICOM series and as a NIfTI in turn, at stride 4 into
one folder with --overwrite; after each of these *scans* come a few inputs that are refused. A line for each scan lists
the *resident memory* (as the operating system counts it, without a garbage collection before), open *file descriptors*,
*threads*, and *entries* of the temporary folder, which is one of its own. The last table gives the growth by scan: the
slope of the least-squares line through all scans after the first `WARMING`, which fill caches.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bundle"))

SAMPLE = ROOT / "sample" / "dicom"
"""The scan that is run."""

WARMING = 10
"""Scans after which a process that keeps nothing has what it needs: libraries, caches, the allocator's arenas."""

FACTS = ("resident_mb", "descriptors", "threads", "entries")
"""Quantities counted after each scan."""


def holdings(folder: Path) -> dict[str, float]:
    """The resources that this process holds now, by the names of `FACTS`; `folder` is its temporary folder."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "resident_mb": pages * os.sysconf("SC_PAGESIZE") / 2**20,
        "descriptors": len(os.listdir("/proc/self/fd")) - 1,  # one is that of the listing
        "threads": threading.active_count(),
        "entries": sum(len(files) + len(folders) for _, folders, files in os.walk(folder)),
    }


def refused_inputs(folder: Path) -> list[Path]:
    """Inputs that are refused early, late and by another reader: half a series, a cut file, a cut NIfTI."""
    names = sorted(SAMPLE.iterdir())
    half, cut = folder / "half", folder / "cut"
    for place in (half, cut):
        place.mkdir()
        for path in names[: 10 if place is half else len(names)]:
            shutil.copy(path, place)
    middle = cut / names[len(names) // 2].name
    middle.write_bytes(middle.read_bytes()[:-1000])
    (folder / "cut.nii.gz").write_bytes((ROOT / "sample" / "lesion.nii.gz").read_bytes()[:-100])
    return [half, cut, folder / "cut.nii.gz"]


def said(*words: str) -> int:
    """The exit code of a command, which prints nothing here."""
    command = import_module("scripts.commands.main").main
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(command(list(words)))


def soak(folder: Path, scans: int, refused: int) -> Iterator[dict[str, float]]:
    """The resources that the process holds after each scan, with the CPU-seconds of the scan.

    Raises:
        SystemExit: a scan was not done, or an input that must be refused was not.
    """
    nifti, temporary = folder / "sample.nii.gz", folder / "tmp"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    if said("inspect", str(SAMPLE), "--save", str(nifti)) != 0:
        raise SystemExit("the sample was refused")
    bad = refused_inputs(folder)
    for number in range(scans):
        begin = time.process_time()
        scan = nifti if number % 2 else SAMPLE
        words = ("--stride", "4", "--device", "cpu", "--overwrite")
        if said("run", str(scan), "-o", str(folder / "out"), *words) != 0:
            raise SystemExit(f"scan {number + 1} was not done")
        for attempt in range(refused):
            if said("run", str(bad[attempt % len(bad)]), "-o", str(folder / "never")) != 3:
                raise SystemExit(f"{bad[attempt % len(bad)].name} was not refused")
        yield {"scan": number + 1, "cpu_s": round(time.process_time() - begin, 1), **holdings(temporary)}


def slope(values: list[float]) -> float:
    """Growth by scan of the least-squares line through the values after the first `WARMING`."""
    rest = values[WARMING:]
    return float(np.polyfit(range(len(rest)), rest, 1)[0]) if len(rest) > 1 else float("nan")


def table(rows: list[dict[str, float]]) -> str:
    """The table of resources after warming, at the end and at most, and their growth."""
    lines = [
        f"| {len(rows)} scans | after {WARMING} | at the end | at most | growth by scan |",
        "|---|---|---|---|---|",
    ]
    for name in FACTS:
        values = [row[name] for row in rows]
        warm = values[min(WARMING, len(values)) - 1]
        lines.append(f"| {name} | {warm:.0f} | {values[-1]:.0f} | {max(values):.0f} | {slope(values):+.3f} |")
    return "\n".join(lines)


def main() -> None:
    """Run the scans, a line for each, then the table."""
    parser = argparse.ArgumentParser(description="many scans in one process")
    parser.add_argument("--runs", type=int, default=200, help="scans (200)")
    parser.add_argument("--refused", type=int, default=3, help="inputs after each that are refused (3)")
    parser.add_argument("--log", type=Path, help="a CSV that holds the line of each scan as soon as it is done")
    args = parser.parse_args()
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        log = stack.enter_context(args.log.open("w", newline="")) if args.log else None
        for row in soak(Path(folder), args.runs, args.refused):
            rows.append(row)
            print(*(f"{name} {value:g}" for name, value in row.items()), flush=True)
            if log:
                writer = csv.DictWriter(log, row)
                if len(rows) == 1:
                    writer.writeheader()
                writer.writerow(row)
                log.flush()
    print(table(rows))


if __name__ == "__main__":
    main()
