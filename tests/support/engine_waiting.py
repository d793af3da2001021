"""Lists of jobs for the engines' tests, and what they wait for."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def jobs(folder: Path, count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"value": number, "log": str(folder / "log"), **more} for number in range(count)]


def begun(folder: Path) -> list[int]:
    return [int(line.split()[0]) for line in (folder / "log").read_text().splitlines()]


def processes(folder: Path) -> list[int]:
    """The processes that began them."""
    return [int(line.split()[1]) for line in (folder / "log").read_text().splitlines()]


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def wait_until(condition: Any, seconds: float = 240) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
