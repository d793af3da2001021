"""Work through jobs in processes of this machine, any of which may be killed at any moment.

A *job* is any value that can be pickled; a function makes an *answer* of it, in one of several *workers*. A worker that
dies while it has a job, killed by the operating system for example, is replaced, and the job is given out again, up to
`ATTEMPTS` times in all; then it is *lost*. The last attempt comes when all other jobs are done, in the only worker that
is left: what was killed for want of memory has that of the others. A worker whose parent dies ends itself.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..assets import bundle_root

ATTEMPTS = 3
"""Attempts at a job before it counts as lost."""

LEAVING_S = 10.0
"""A worker that was dismissed has so long to end."""

PARENT_DIED = 1
"""Exit code of a worker whose parent is gone."""

Job = TypeVar("Job")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Lost:
    """Instead of an answer: why there is none."""

    reason: str


@dataclass
class Worker(Generic[Job]):
    """A process, the way to talk to it, and the job that it has, with the number of the attempt."""

    process: BaseProcess
    connection: Connection
    job: Job | None = None
    attempt: int = 0


def in_processes(
    function: Callable[[Job], Answer], jobs: Sequence[Job], workers: int
) -> Iterator[tuple[Job, Answer | Lost]]:
    """Each job with its answer as soon as there is one, in `workers` processes; they end with the iterator.

    Raises:
        Exception: what `function` raised for a job; jobs that are not done yet are given up.
    """
    waiting, last = deque((job, 1) for job in jobs), deque[Job]()
    team: list[Worker[Job]] = []
    try:
        while waiting or last or any(worker.attempt for worker in team):
            if not waiting and not any(worker.attempt for worker in team):
                dismiss(team[1:])
                del team[1:]
                waiting.append((last.popleft(), ATTEMPTS))
            hire(function, team, min(workers, len(waiting) + sum(bool(worker.attempt) for worker in team)))
            for worker in team:
                if waiting and not worker.attempt:
                    assign(worker, *waiting.popleft())
            for worker in heard(team):
                job, attempt = worker.job, worker.attempt
                assert job is not None
                answer = answer_of(worker)
                if isinstance(answer, Lost) and not worker.process.is_alive():
                    team.remove(worker)
                    if attempt < ATTEMPTS:
                        last.append(job) if attempt + 1 == ATTEMPTS else waiting.append((job, attempt + 1))
                        continue
                    answer = Lost(f"{answer.reason} in each of {ATTEMPTS} attempts")
                yield job, answer
    finally:
        dismiss(team)


def hire(function: Callable[[Job], Any], team: list[Worker[Job]], count: int) -> None:
    """Start workers until there are so many."""
    context = get_context("spawn")
    while len(team) < count:
        ours, theirs = context.Pipe()
        with importable():
            process = context.Process(target=serve, args=(function, theirs), daemon=True)
            process.start()
        theirs.close()
        team.append(Worker(process, ours))


@contextmanager
def importable(*folders: Path) -> Iterator[None]:
    """Let processes that are started meanwhile find this package: the command has its name without `sys.path`.

    Args:
        folders: those that hold further packages which the processes need.
    """
    added = [str(folder) for folder in (bundle_root(), *folders)]
    sys.path[:0] = added
    try:
        yield
    finally:
        for folder in added:
            sys.path.remove(folder)


def assign(worker: Worker[Job], job: Job, attempt: int) -> None:
    """Give a worker a job; that it has died is seen when it is listened to."""
    worker.job, worker.attempt = job, attempt
    try:
        worker.connection.send(job)
    except OSError:
        worker.process.join()


def heard(team: Sequence[Worker[Job]]) -> list[Worker[Job]]:
    """Wait for workers that have answered, or died; there is one that has a job."""
    busy = {worker.connection: worker for worker in team if worker.attempt}
    ready = {id(connection) for connection in wait(list(busy))}
    return [worker for connection, worker in busy.items() if id(connection) in ready]


def answer_of(worker: Worker[Any]) -> Any:
    """The answer of a worker, which is free then; `Lost` where it died.

    Raises:
        Exception: what its function raised.
    """
    worker.job, worker.attempt = None, 0
    try:
        answer, error = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        worker.connection.close()
        code = worker.process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return Lost(f"Its process {how}")
    if error is not None:
        raise error
    return answer


def dismiss(team: Sequence[Worker[Any]]) -> None:
    """End all workers: those that have nothing to do may leave by themselves, the others are killed."""
    for worker in team:
        if worker.attempt:
            worker.process.kill()
        worker.connection.close()
    for worker in team:
        worker.process.join(LEAVING_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def serve(function: Callable[[Any], Any], connection: Connection) -> None:
    """Runs in a worker: answers job after job, until it is dismissed or killed, or its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the first one decides
    threading.Thread(target=end_with_parent, daemon=True).start()
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            reply: tuple[Any, Exception | None] = (function(job), None)
        except Exception as error:
            reply = (None, error)
        connection.send(reply)


def end_with_parent() -> None:
    """End this process at once when its parent ends."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(PARENT_DIED)
