"""Jobs for the engines' tests: they note that they began, may wait, and may kill the process that does them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

from engine_waiting import is_alive

from scripts.processes.serving import Address, ask


def square(job: dict[str, Any]) -> dict[str, Any]:
    """The square of job["value"], and the process that took it; see `note`."""
    note(job)
    if job.get("error"):
        raise ValueError(f"{job['value']} is not to be squared")
    take_time(job)
    return {"square": job["value"] ** 2, "pid": os.getpid(), "threads": os.environ.get("OMP_NUM_THREADS")}


def neighbours(job: dict[str, Any]) -> list[int]:
    """The other processes that began a job and are still there; see `note`."""
    note(job)
    take_time(job)
    pids = {int(line.split()[1]) for line in Path(job["log"]).read_text().splitlines()} - {os.getpid()}
    return sorted(pid for pid in pids if is_alive(pid))


def note(job: dict[str, Any]) -> None:
    """Write a line to job["log"]; die as often as job["deaths"] says, which the lines of the job count."""
    path = Path(job["log"])
    with path.open("a") as file:
        file.write(f"{job['value']} {os.getpid()}\n")
    begun = [line for line in path.read_text().splitlines() if line.split()[0] == str(job["value"])]
    if len(begun) <= job.get("deaths", 0):
        os.kill(os.getpid(), signal.SIGKILL)


def take_time(job: Mapping[str, Any]) -> None:
    """Take as many seconds as job["seconds"] says, and then until the file job["until"], if any, is there."""
    time.sleep(job.get("seconds", 0))
    while "until" in job and not Path(job["until"]).exists():
        time.sleep(0.02)


def in_this_process(function: Callable[[Any], Any], jobs: Sequence[Any], workers: int) -> Iterator[tuple[Any, Any]]:
    """`in_processes` without processes, for tests of what is around it: to start one takes a second."""
    return ((job, function(job)) for job in jobs)


def asked(address: Address, job: dict[str, Any]) -> Any:
    """The double of job["value"], by a server."""
    note(job)
    return ask(address, "double", job["value"])


def asked_while_half_is_sent(address: Address, job: dict[str, Any]) -> Any:
    """As `asked`; with job["half_sent"] the process dies the first time with a part of its request sent."""
    path = Path(job["log"])
    before = path.read_text().splitlines() if path.exists() else []
    if job.get("half_sent") and not any(line.split()[0] == str(job["value"]) for line in before):
        connection = Client(address.place, authkey=address.key)
        os.write(connection.fileno(), (1000).to_bytes(4, "big") + b"a part")
        note({**job, "deaths": 1})
    return asked(address, job)
