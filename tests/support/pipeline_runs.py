"""Whole runs that several test modules look at: each is done once, by the fixture `runs` in conftest.py."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from planted import write_planted

from scripts.commands.main import main

STRIDE = "4"

CASES = (
    ("left", "LPS", "nifti"),
    ("left", "coronal", "dicom"),
    ("right", "sagittal", "nifti"),
    ("right", "PLI", "dicom"),
)
"""Side, axis order and format of the runs; benchmarks/sides.py has them all."""

ELSEWHERE = CASES[0]
"""The run that MONAI makes of the unpacked zip in another folder, which stays empty, in two threads."""

OTHER_SYSTEM = CASES[1]
"""The run that is made without what Windows lacks (`windows_like.py`), and with another encoding than UTF-8."""

INSIDE = CASES[2]
"""The run that is made as the README of the model zoo's bundle says: inside the unpacked zip, by MONAI."""

OBJECTS = CASES[3]
"""The run that makes DICOM objects too, where highdicom is installed."""

Run = Callable[[str, str, str], Path]

SAID, TEMPORARY, WORK = "said.txt", "temporary", "work"
"""Beside the results of a run: what it said on stdout and stderr, and the temporary and working folders it had."""


ANOTHER_ENCODING = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "cp1252"}
"""Text files are ASCII unless the program says how they are encoded, and what is printed is Latin."""

WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Lets threads that wait for one another sleep: where other tests have the cores, spinning costs more than the work."""


def run_planted(folder: Path, packaged: Path, side: str, order: str, kind: str) -> Path:
    """Write a scan into a folder and run it, with the bundle that is packed or this one; the folder of the results."""
    scan, words = write_planted(folder / "in", side, order, kind)
    for name in (TEMPORARY, WORK):
        (folder / name).mkdir()
    case = (side, order, kind)
    if case in (ELSEWHERE, INSIDE):
        status = run_by_monai(folder, packaged, scan, case == INSIDE)
    elif case == OTHER_SYSTEM:
        status = run_windows_like(folder, scan, words)
    else:
        if case == OBJECTS and find_spec("highdicom"):
            words = [*words, "--dicom"]
        with heard(folder / SAID), temporary(folder / TEMPORARY):
            status = main(["run", str(scan), "-o", str(folder / "out"), "--stride", STRIDE, "--device", "cpu", *words])
    assert status == 0, (folder / SAID).read_text()
    return folder / "out"


def run_by_monai(folder: Path, packaged: Path, scan: Path, inside: bool) -> int:
    """Run a scan by MONAI inside the packed bundle, or in the working folder with another number of threads."""
    if inside:
        place, threads = packaged, 1
        words = ["--config_file", "configs/inference.json", "--report", "False", "--output_dir", str(folder / "out")]
    else:
        place, threads = folder / WORK, 2
        config = packaged / "configs" / "inference.json"
        words = [
            "--config_file",
            str(config),
            "--bundle_root",
            str(packaged),
            "--output_dir",
            os.path.join("..", "out"),
        ]
    done = by_monai(place, [*words, "--dataset_dir", str(scan)], threads, TMPDIR=str(folder / TEMPORARY))
    (folder / SAID).write_text(done.stdout + done.stderr)
    return done.returncode


def run_windows_like(folder: Path, scan: Path, words: list[str]) -> int:
    """Run a scan by the command without what Windows lacks."""
    program = str(Path(__file__).with_name("windows_like.py"))
    arguments = [str(scan), "-o", str(folder / "out"), "--stride", STRIDE, "--device", "cpu", *words]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-X", "warn_default_encoding", program, "run", *arguments],
        env={**os.environ, **ANOTHER_ENCODING, **WAITING, "TMPDIR": str(folder / TEMPORARY)},
        capture_output=True,
        text=True,
    )
    (folder / SAID).write_text(done.stdout + done.stderr)
    return done.returncode


def by_monai(place: Path, words: list[str], threads: int = 1, **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m monai.bundle run` in a folder, on the CPU."""
    return subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", *words, "--stride", STRIDE],
        cwd=place,
        env={**os.environ, "OMP_NUM_THREADS": str(threads), **WAITING, "CUDA_VISIBLE_DEVICES": "", **variables},
        capture_output=True,
        text=True,
    )


@contextmanager
def heard(path: Path) -> Iterator[None]:
    """Write to a file what this process says on stdout and stderr, its libraries in other languages included."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    before = {number: os.dup(number) for number in (1, 2)}
    streams = sys.stdout, sys.stderr
    with path.open("w") as file:
        for number in before:
            os.dup2(file.fileno(), number)
        sys.stdout = sys.stderr = file
        try:
            yield
        finally:
            file.flush()
            sys.stdout, sys.stderr = streams
            for number, descriptor in before.items():
                os.dup2(descriptor, number)
                os.close(descriptor)


@contextmanager
def temporary(folder: Path) -> Iterator[None]:
    """Let temporary files go into a folder."""
    before, named = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR")
        if named is not None:
            os.environ["TMPDIR"] = named
