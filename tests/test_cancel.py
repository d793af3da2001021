"""Ctrl-C and SIGTERM, sent to the commands as they are started: one line, the exit code, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from calibrate_stand_in import LOG
from cohort_stand_in import begun, processes, write_cohort

ROOT = Path(__file__).resolve().parents[1]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}

WRITING = """
import sys, time
from pathlib import Path
from scripts.commands import main
from scripts.reading import inputs
from scripts.results import judging
from scripts.results.folder import write_results
def slow(path):
    path.write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(100)
inputs.check_input = lambda path, uid: None
files = {"heatmap.nii.gz": b"whole", "overview.png": slow}
judging.run_configs = lambda names, values: write_results(values["output_dir"], files, {}, True)
sys.exit(main.main(sys.argv[1:]))
"""
"""`run`, with a pipeline that has come to its last file."""


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Python at work in a folder, with a temporary folder of its own beside it."""
    (folder.parent / "temporary").mkdir(exist_ok=True)
    path = os.pathsep.join([str(ROOT / "bundle"), str(ROOT / "tests" / "support")])
    more = {"PYTHONPATH": path, "TMPDIR": str(folder.parent / "temporary"), "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *words], cwd=folder, env={**os.environ, **more}, stdout=pipe, stderr=pipe, text=True
    )


def stopped(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Send a signal; the exit code, and what was said on stderr."""
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    return process.returncode, err


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a command works."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_run_that_has_begun(number: signal.Signals, folder: Path) -> None:
    """The whole command on the sample, while it loads its libraries or reads, a little later for one than the other."""
    words = ["run", str(ROOT / "sample" / "dicom"), "-o", "new/out", "--stride", "4", "--device", "cpu"]
    process = started(folder, str(ROOT / "bundle"), *words)
    wait_until(lambda: (folder / "new" / ".out.lock").exists())
    time.sleep(0.5 if number == signal.SIGINT else 2)
    assert stopped(process, number) == (CODES[number], "Stopped before it was done.\n")
    assert names(folder) == []
    assert names(folder.parent / "temporary") == []


@pytest.mark.parametrize(("number", "earlier"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_a_run_that_writes(number: signal.Signals, earlier: bool, folder: Path) -> None:
    from scripts.results.folder import write_results
    from scripts.results.record import verify

    if earlier:
        write_results(folder / "out", {"heatmap.nii.gz": b"earlier"}, {})
    process = started(folder, "-c", WRITING, "run", "in", "-o", "out", "--overwrite")
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    assert [name for name in names(folder) if name.endswith(".partial")] != [], "it is half-written"
    assert stopped(process, number) == (CODES[number], "Stopped before it was done.\n")
    assert names(folder) == (["out"] if earlier else [])
    assert not earlier or verify(folder / "out")


def test_a_cohort_and_its_workers(folder: Path) -> None:
    write_cohort(folder, 3, {0: {}, 1: {"seconds": 100}, 2: {"seconds": 100}})
    words = ["cohort", "datalist.json", "-o", "out", "--device", "cpu", "--workers", "2"]
    process = started(folder, "-m", "cohort_stand_in", *words)
    wait_until(lambda: len(begun(folder)) == 3)
    (folder / "out" / "cases" / ".case-1.lock").touch()  # what workers leave that are killed while they write
    (folder / "out" / "cases" / ".case-1.0123abcd.partial").mkdir()
    code, err = stopped(process, signal.SIGTERM)
    assert code == 143
    assert "Stopped. The same command goes on from here.\n" in err
    assert "Traceback" not in err
    wait_until(lambda: not any(map(is_alive, processes(folder))))
    assert names(folder / "out" / "cases") == ["case-0"]
    assert names(folder.parent / "temporary") == []


def test_a_calibration_and_its_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "scans").mkdir()
    for scan in range(8):
        (folder / "scans" / f"slow_{scan}.nii.gz").touch()
    words = ["calibrate", "scans", "-o", "out", "--work", "kept", "--device", "cpu", "--workers", "2"]
    log = folder / "log"
    monkeypatch.setenv(LOG, str(log))
    process = started(folder, "-m", "calibrate_stand_in", *words)
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) == 2)
    code, err = stopped(process, signal.SIGTERM)
    assert code == 143
    assert err.splitlines()[-1] == "Stopped. The same command goes on from here."
    assert "Traceback" not in err
    wait_until(lambda: not any(is_alive(int(line.split()[1])) for line in log.read_text().splitlines()))
    assert names(folder) == ["log", "scans"]
    assert names(folder.parent / "temporary") == []
