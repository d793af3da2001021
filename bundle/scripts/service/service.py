"""The node's work: runs each study of its spool once in a child process, and sends the results on.

Two threads run at once: one works on one study after the other; the main thread finds studies that are complete, and
sends results until they are accepted. A child process ends with its parent.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ..assets import config
from ..errors import OutputExists, OutputFailed, described
from ..findings import InputRefused
from ..processes.local import Lost, in_processes
from ..workflow import quiet, run_configs
from .sending import NotTaken
from .spool import IMAGES, OUT, READY, RESULTS, SENT, WORKING, Spool, shown

LOG = logging.getLogger("head_ct_anomaly")

TICK_S = 0.5
"""Interval at which the spool is checked."""

FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 300.0
"""Pause before results are sent again after a failure; it doubles after each further one, up to the second value."""

DAY_S = 24 * 3600.0


@dataclass(frozen=True)
class Job:
    """One study to work: a folder of images, the folder of its results, and values of ids of the config."""

    images: Path
    out: Path
    values: tuple[tuple[str, Any], ...] = ()


class Destination(Protocol):
    """Destination of results."""

    def send(self, files: Iterable[Path]) -> None:
        """Send DICOM files; raises an OSError if they were not taken, `NotTaken` if others may be."""


@dataclass
class Wait:
    """The pause of a study whose results were not taken, and what is left of it, in seconds."""

    whole_s: float = 0.0
    left_s: float = 0.0


def longer(wait_s: float) -> float:
    """The pause after another failure, in seconds."""
    return min(2 * wait_s or FIRST_WAIT_S, LONGEST_WAIT_S)


Work = Callable[[Job], str]
"""Makes the results of a job; returns why there are none, or an empty text."""


def work(job: Job) -> str:
    """Run the pipeline on a study.

    Raises:
        OutputFailed: the results can't be written, as with a full disk.
    """
    values = {"bundle_root": str(config("inference.json").parents[1]), "dataset_dir": job.images, "output_dir": job.out}
    try:
        with quiet():
            run_configs(("inference.json",), {**values, "dicom": True, **dict(job.values)})
    except InputRefused as refused:
        return str(refused)
    except OutputExists:
        pass  # of a process that was taken for dead
    return ""


@dataclass
class Service:
    """The service: works on the studies of a spool and sends their results."""

    spool: Spool
    destination: Destination
    work: Work
    values: tuple[tuple[str, Any], ...] = ()
    quiet_s: float = 30.0
    unfinished_s: float = 600.0
    keep_days: float = 7.0
    stop: threading.Event = field(default_factory=threading.Event)
    wait_s: float = 0.0
    pause_s: float = 0.0
    waits: dict[str, Wait] = field(default_factory=dict)

    def run(self, until_empty: bool = False) -> None:
        """Work and send until `stop` is set, or, if so wanted, until there is nothing left."""
        worker = threading.Thread(target=self.work_all, daemon=True)
        worker.start()
        while not self.stop.is_set():
            try:
                self.look()
            except OSError as error:
                LOG.error("the spool can't be written: %s", error.strerror or error)
            except Exception as error:  # whatever a destination raises, studies still come and are judged
                LOG.error("an error of the program (%s)", described(error))
            if until_empty and not any((*map(self.spool.keys, (READY, WORKING, RESULTS)), self.spool.coming())):
                self.stop.set()
            self.stop.wait(TICK_S)

    def look(self) -> None:
        """Find complete studies, send results, and remove old studies."""
        for key, finished in self.spool.promote(self.quiet_s, self.unfinished_s).items():
            if finished:
                LOG.info("study %s: complete", shown(key))
            else:
                text = "study %s: worked as it is: its sender broke off, and nothing more came for %.0f s"
                LOG.warning(text, shown(key), self.unfinished_s)
        self.send_all()
        self.spool.forget(self.keep_days * DAY_S)

    def work_all(self) -> None:
        """Work every study that is ready, until `stop` is set."""
        while not self.stop.is_set():
            try:
                key = self.spool.take()
                if key is None:
                    self.stop.wait(TICK_S)
                else:
                    self.work_one(key)
            except OSError as error:  # a full disk, for example: the study is not lost, and is worked again
                LOG.error("the spool can't be written: %s", error.strerror or error)
                self.stop.wait(FIRST_WAIT_S)
                with suppress(OSError):
                    self.spool.recover()

    def work_one(self, key: str) -> None:
        """Run a study in a child process; afterwards the study is in another state in any case."""
        place = self.spool.place(WORKING, key)
        LOG.info("study %s: in work", shown(key))
        try:
            ((_, answer),) = in_processes(self.work, [Job(place / IMAGES, place / OUT, self.values)], 1)
        except OutputFailed as error:
            LOG.error("study %s: to be worked again: %s", shown(key), error)
            self.spool.again(key)
            self.stop.wait(FIRST_WAIT_S)
            return
        except Exception as error:
            answer = f"an error of the program ({type(error).__name__})"
        reason = answer.reason if isinstance(answer, Lost) else answer
        if not reason and self.spool.has_results(place):
            self.spool.move(key, WORKING, RESULTS)
            LOG.info("study %s: results made", shown(key))
        else:
            self.spool.refuse(key, reason or "It left no results.")
            LOG.warning("study %s: refused: %s", shown(key), reason or "It left no results.")

    def send_all(self) -> None:
        """Send the results of every study that has some.

        After a failure nothing is sent for a while; results that are not taken wait alone.
        """
        self.pause_s -= TICK_S
        for wait in self.waits.values():
            wait.left_s -= TICK_S
        if self.pause_s > 0:
            return
        keys = self.spool.keys(RESULTS)
        self.waits = {key: wait for key, wait in self.waits.items() if key in keys}
        for key in keys:
            if key in self.waits and self.waits[key].left_s > 0:
                continue
            try:
                self.destination.send(sorted((self.spool.place(RESULTS, key) / OUT / "dicom").glob("*.dcm")))
            except NotTaken as error:
                self.put_off(key, str(error))
                continue
            except OSError as error:
                self.wait_s = self.pause_s = longer(self.wait_s)
                LOG.error("study %s: results kept, again in %.0f s: %s", shown(key), self.wait_s, error)
                return
            except Exception as error:  # whatever a destination raises, it keeps no other study
                self.put_off(key, f"an error of the program ({described(error)})")
                continue
            self.wait_s = 0.0
            self.spool.move(key, RESULTS, SENT)
            LOG.info("study %s: results sent", shown(key))

    def put_off(self, key: str, why: str) -> None:
        """Let the results of a study wait alone, longer each time."""
        wait = self.waits.setdefault(key, Wait())
        wait.whole_s = wait.left_s = longer(wait.whole_s)
        LOG.error("study %s: results kept, again in %.0f s: %s", shown(key), wait.whole_s, why)
