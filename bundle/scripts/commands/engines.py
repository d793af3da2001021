"""Which engine works through many scans: processes of this machine, or a Ray cluster; the same files come of both.

Each job is given to a function that can be pickled and writes its outcome to the disk, so that a run which was stopped
or killed can resume.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence

from ..processes.cluster import imported_ray, on_cluster
from ..processes.local import Answer, Job, Lost, in_processes
from .arguments import check_device, positive

FAILURES, STOPPED = 5, 130
"""Exit codes of such commands: something failed; Ctrl-C."""


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the engines."""
    engine = parser.add_argument_group("engine")
    engine.add_argument("--engine", choices=("local", "ray"), default="local", help="processes here (default), or Ray")
    engine.add_argument("--address", help="of a Ray cluster; without it, one is started on this machine")
    engine.add_argument("--workers", metavar="N", type=positive, help="scans at a time (local: 1, ray: a CPU each)")


def engine_problem(args: argparse.Namespace) -> str:
    """A sentence on what is wrong with the chosen engine; empty if nothing is.

    Raises:
        WrongUsage: the device, or Ray, is not there.
    """
    if args.address and args.engine != "ray":
        return "--address is that of a Ray cluster. Add --engine ray."
    if args.engine == "ray":
        imported_ray(args.address)
    else:
        check_device(args.device)
    return ""


def answers(
    function: Callable[[Job], Answer], jobs: Sequence[Job], args: argparse.Namespace
) -> Iterator[tuple[Job, Answer | Lost]]:
    """The answer to each job as soon as it is known, by the chosen engine.

    Raises:
        WrongUsage: no Ray cluster answers.
        Exception: what `function` raised for a job.
    """
    if not jobs:
        return iter(())
    if args.engine == "ray" or (args.workers or 1) > 1:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if args.engine == "local":
        return in_processes(function, jobs, args.workers or 1)
    gpu = None if args.device == "auto" else args.device.startswith("cuda")
    return on_cluster(function, jobs, args.workers, args.address, gpu)
