"""Work through jobs on a Ray cluster: as `local`, with the nodes of a cluster instead of processes.

Without an address, a cluster of one node is started, which listens to this machine only and ends with the work. With
one, the nodes of that cluster must see the bundle, the data and the output folder under the same paths. A task whose
worker or node dies is given out again by Ray.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..assets import bundle_root
from ..errors import WrongUsage
from .local import ATTEMPTS, Answer, Job, Lost

LOCAL = ("127.", "localhost")
"""Prefixes of addresses of this machine that no other machine reaches."""

STORE_BYTES = 100_000_000
"""Memory of such a cluster for the values of tasks, which are small here."""


def on_cluster(
    function: Callable[[Job], Answer],
    jobs: Sequence[Job],
    workers: int | None,
    address: str | None,
    gpu: bool | None = False,
) -> Iterator[tuple[Job, Answer | Lost]]:
    """Each job with its answer as soon as there is one.

    Args:
        function: can be pickled, as jobs and answers can; what it calls is found by its name on the nodes.
        jobs: what it is given, one after the other.
        workers: jobs at a time; as many as the cluster has CPUs, or GPUs where each needs one, if None.
        address: of a cluster; one is started if None.
        gpu: whether each job gets a GPU of its own; if None, where the cluster has any.

    Raises:
        WrongUsage: Ray is not installed, or no cluster answers.
        Exception: what `function` raised for a job; jobs that are not done yet are given up.
    """
    ray = imported_ray(address)
    connect(ray, workers, address)
    try:
        there = ray.cluster_resources()
        gpu = there.get("GPU", 0) > 0 if gpu is None else gpu
        count = workers or max(1, int(there.get("GPU" if gpu else "CPU", 1)))
        # max_calls: else Ray ends a process with a GPU after each task, and each job would load the networks anew.
        task = ray.remote(num_cpus=1, num_gpus=int(gpu), max_retries=ATTEMPTS - 1, max_calls=0)(called)
        waiting, running = deque(jobs), dict[Any, Job]()
        while waiting or running:
            while waiting and len(running) < count:
                job = waiting.popleft()
                running[task.remote(function, job)] = job
            ready, _ = ray.wait(list(running), num_returns=1)
            for reference in ready:
                yield running.pop(reference), answer_of(ray, reference)
    finally:
        ray.shutdown()


def called(function: Callable[[Job], Answer], job: Job) -> Answer:
    """A task: Ray takes plain functions only."""
    return function(job)


def imported_ray(address: str | None) -> Any:
    """The library, which need not be installed, ready for a cluster at an address, or for one of our own.

    Raises:
        WrongUsage: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a run leaves the cluster
    if address is None or address.startswith(LOCAL):
        # Ray's word for "one machine only, on its loopback interface"; elsewhere it would listen to the network.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError as error:
        raise WrongUsage(
            "The engine ray needs Ray, which is not installed: pip install 'head-ct-position-anomaly[cluster]'. "
            "Or leave --engine out."
        ) from error
    return ray


def connect(ray: Any, workers: int | None, address: str | None) -> None:
    """Join the cluster at an address, or start one.

    Raises:
        WrongUsage: no cluster answers.
    """
    path = os.pathsep.join([str(bundle_root()), *filter(None, [os.environ.get("PYTHONPATH")])])
    threads = {name: value for name, value in os.environ.items() if name == "OMP_NUM_THREADS"}
    words: dict[str, Any] = {
        "runtime_env": {"env_vars": {"PYTHONPATH": path, **threads}},
        "log_to_driver": False,
        "logging_level": logging.ERROR,
    }
    if address is None:
        words |= {
            "address": "local",
            "num_cpus": workers,
            "include_dashboard": False,
            "object_store_memory": STORE_BYTES,
        }
    else:
        words |= {"address": address}
    try:
        ray.init(**words)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise WrongUsage(
            f"No Ray cluster answers{f' at {address}' if address else ''} ({' '.join(str(error).split())[:200]}). "
            "Check --address; `ray start --head` starts a cluster."
        ) from error


def answer_of(ray: Any, reference: Any) -> Any:
    """The answer of a task; `Lost` where Ray could not have it done.

    Raises:
        Exception: what its function raised.
    """
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause if isinstance(error.cause, Exception) else error) from None
    except ray.exceptions.RayError as error:
        text = " ".join(str(error).split())[:200]
        return Lost(f"Ray could not have it done in {ATTEMPTS} attempts ({type(error).__name__}): {text}")
