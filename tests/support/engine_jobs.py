"""Jobs for the engines' tests: they note that they began, and may kill the process that does them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any


def square(job: dict[str, Any]) -> dict[str, Any]:
    """The square of job["value"], and the process that took it; see `note`."""
    note(job)
    if job.get("error"):
        raise ValueError(f"{job['value']} is not to be squared")
    time.sleep(job.get("seconds", 0))
    return {"square": job["value"] ** 2, "pid": os.getpid(), "threads": os.environ.get("OMP_NUM_THREADS")}


def note(job: dict[str, Any]) -> None:
    """Write a line to job["log"]; die as often as job["deaths"] says, which the lines of the job count."""
    path = Path(job["log"])
    with path.open("a") as file:
        file.write(f"{job['value']} {os.getpid()}\n")
    begun = [line for line in path.read_text().splitlines() if line.split()[0] == str(job["value"])]
    if len(begun) <= job.get("deaths", 0):
        os.kill(os.getpid(), signal.SIGKILL)
