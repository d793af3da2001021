"""Whole runs that several test modules look at: each is done once, by the fixture `runs` in conftest.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import numpy as np
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

INSIDE = CASES[0]
"""The run that MONAI makes inside the unpacked zip, as the README of the model zoo's bundle says, in two threads."""

OTHER_SYSTEM = CASES[1]
"""The run that is made without what Windows lacks (`windows_like.py`), and with another encoding than UTF-8.

It makes DICOM objects too, where highdicom is installed.
"""

IN_COHORT = {CASES[2]: "sagittal", CASES[3]: "right"}
"""The runs that are cases of a cohort, see `run_cohort`, and their names there."""

ALL, TWO, ONE = "datalist.json", "two.json", "one.json"
"""Names of the cohort's datalists: of all heads, of two, and of one, each with a folder without any scan."""

Run = Callable[[str, str, str], Path]

SAID, TEMPORARY = "said.txt", "temporary"
"""Beside the results of a run: what it said on stdout and stderr, and the temporary folder it had."""


ANOTHER_ENCODING = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "cp1252"}
"""Text files are ASCII unless the program says how they are encoded, and what is printed is Latin."""

WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Lets threads that wait for one another sleep: where other tests have the cores, spinning costs more than the work."""


def run_planted(folder: Path, packaged: Path, side: str, order: str, kind: str) -> Path:
    """Write a scan into a folder and run it, with the bundle that is packed or this one; the folder of the results."""
    scan, words = write_planted(folder / "in", side, order, kind)
    (folder / TEMPORARY).mkdir()
    case = (side, order, kind)
    status = run_by_monai(folder, packaged, scan) if case == INSIDE else run_windows_like(folder, scan, words)
    assert status == 0, (folder / SAID).read_text()
    return folder / "out"


def run_by_monai(folder: Path, packaged: Path, scan: Path) -> int:
    """Run a scan by MONAI inside the packed bundle, in two threads."""
    words = ["--config_file", "configs/inference.json", "--output_dir", str(folder / "out"), "--dataset_dir", str(scan)]
    done = by_monai(packaged, words, 2, TMPDIR=str(folder / TEMPORARY))
    (folder / SAID).write_text(done.stdout + done.stderr)
    return done.returncode


def write_scans(folder: Path) -> None:
    """Write three bleeding heads, a folder without any scan, and datalists of them.

    One head is named by the UID of its series, whose files have shuffled names.
    """
    from cohort_stand_in import LABELS

    left, _ = write_planted(folder / "left", *INSIDE)
    sagittal, _ = write_planted(folder / "sagittal", *CASES[2])
    right, (_, uid) = write_planted(folder / "right", *CASES[3])
    series = sorted(right.iterdir())
    for number, path in zip(np.random.default_rng(0).permutation(len(series)), series, strict=True):
        path.rename(right / f"{number:04d}")
    (folder / "empty").mkdir()
    (folder / "empty" / "notes.txt").write_text("no image")
    items = []
    for name, image, series_uid, true in (
        ("left", left, None, ("ICH", "IPH", "BleedLocation-Left")),
        ("none", folder / "empty", None, ()),
        ("right", right, uid, ("ICH", "IPH", "BleedLocation-Right")),
        ("sagittal", sagittal, None, ("ICH", "IPH", "BleedLocation-Right")),
    ):
        labels = {label: label in true for label in LABELS}
        relative = os.path.relpath(image, folder)
        items.append({"case": name, "image": relative, "series_uid": series_uid, "labels": labels})
    for name, listed in ((ALL, items), (TWO, items[:3]), (ONE, items[:2])):
        (folder / name).write_text(json.dumps({"description": "bleeds", "test": listed}))


def run_cohort(folder: Path) -> Path:
    """Run all heads of a folder as a cohort, by two workers that share the networks; the folder of the results.

    The registered scans lie beside it, for other cohorts, and what it said.
    """
    with redirect_stderr(StringIO()) as said:
        made = cohort(folder, ALL, "ours", "--stride", STRIDE, "--workers", "2", "--networks", "shared")
    (folder / SAID).write_text(said.getvalue())
    return made


def cohort(folder: Path, datalist: str, out: str, *more: str) -> Path:
    """The folder of a cohort run, which takes registered scans from, and leaves them in, a folder for all."""
    words = ["cohort", str(folder / datalist), "-o", str(folder / out), "--work", str(folder / "registered")]
    assert main([*words, "--device", "cpu", *more]) == 0
    return folder / out


def run_windows_like(folder: Path, scan: Path, words: list[str]) -> int:
    """Run a scan by the command without what Windows lacks, with DICOM objects if they can be made."""
    program = str(Path(__file__).with_name("windows_like.py"))
    arguments = [str(scan), "-o", str(folder / "out"), "--stride", STRIDE, "--device", "cpu", *words]
    arguments += ["--dicom"] if find_spec("highdicom") else []
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
