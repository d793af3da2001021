"""`head-ct-anomaly listen`: a DICOM node that judges every head CT that is sent to it, and sends the results on.

Three things go on at once: images are taken into the spool as they come; a thread works one study after the other, in a
child process; the main thread sees which studies are complete, and sends results, again and again until they are taken.
All of it is on the disk (see `spool`), so the node can be killed and started again at any moment.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from ..assets import config
from ..findings import InputRefused, PathMissing
from ..results import OutputExists, OutputFailed
from ..spool import IMAGES, INCOMING, MIB, OUT, READY, RESULTS, SENT, WORKING, Limits, Spool, SpoolInUse
from ..worker_processes import Lost, in_processes
from . import run
from .checks import check_device

LOG = logging.getLogger("head_ct_anomaly")

TICK_S = 0.5
"""How often the spool is looked at."""

FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 300.0
"""How long nothing is sent after a failure; twice as long after each further one."""

DAY_S = 24 * 3600.0
PACKAGES = ("highdicom", "pynetdicom", "dicomweb_client")


@dataclass(frozen=True)
class Job:
    """One study to work: a folder of images, the folder of its results, and values of ids of the config."""

    images: Path
    out: Path
    values: tuple[tuple[str, Any], ...] = ()


class Destination(Protocol):
    """Where results go."""

    def send(self, files: Iterable[Path]) -> None:
        """Send DICOM files; raises an OSError if they were not taken."""


Work = Callable[[Job], str]
"""Makes the results of a job; returns why there are none, or an empty text."""


def work(job: Job) -> str:
    """Run the pipeline on a study.

    Raises:
        OutputFailed: the results can't be written, as with a full disk.
    """
    values = {"bundle_root": str(config("inference.json").parents[1]), "dataset_dir": job.images, "output_dir": job.out}
    try:
        with run.quiet():
            run.run_configs(("inference.json",), {**values, "dicom": True, **dict(job.values)})
    except InputRefused as refused:
        return str(refused)
    except OutputExists:
        pass  # of a process that was taken for dead
    return ""


def add_parser(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser = subparsers.add_parser("listen", help="a DICOM node: judge what is sent to it, send the results on")
    parser.add_argument(
        "--spool", metavar="FOLDER", type=Path, required=True, help="where studies and results are kept"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=int, default=11112, help="port to listen on (11112)")
    parser.add_argument("--ae-title", default="HEADCTANOMALY", type=ae_title, help="own AE title (HEADCTANOMALY)")
    parser.add_argument(
        "--sender", metavar="AE", type=ae_title, action="append", default=[], help="an AE title to take from"
    )
    parser.add_argument("--any-sender", action="store_true", help="take from every AE title")
    parser.add_argument("--to", metavar="AE@HOST:PORT", type=node_address, help="the node that results go to")
    parser.add_argument(
        "--dicomweb", metavar="URL", help="the DICOMweb server that results go to, or --study comes from"
    )
    parser.add_argument(
        "--study", metavar="UID", type=run.series_uid, action="append", default=[], help="fetch by DICOMweb"
    )
    parser.add_argument("--once", action="store_true", help="don't listen; end when everything is worked and sent")
    parser.add_argument("--quiet-s", type=float, default=30.0, help="a study is complete after so many seconds (30)")
    parser.add_argument("--keep-days", type=float, default=7.0, help="how long what was sent or refused is kept (7)")
    parser.add_argument("--max-image-mib", type=int, default=1024, help="largest image that is taken (1024)")
    parser.add_argument("--max-study-mib", type=int, default=4096, help="largest study that is taken (4096)")
    parser.add_argument("--min-free-mib", type=int, default=2048, help="space of the disk that stays free (2048)")
    parser.add_argument("--device", type=run.device, default="auto", help="auto (default), cpu, cuda or cuda:N")
    parser.add_argument("--stride", type=int, choices=(1, 2, 4), help="voxels (mm) between predictions (2)")
    parser.set_defaults(main=main)


def ae_title(text: str) -> str:
    """An AE title, checked.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    if not 0 < len(text.strip()) <= 16 or not text.isascii() or not text.isprintable() or "\\" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no AE title: 1 to 16 ASCII characters, without a backslash")
    return text.strip()


def node_address(text: str) -> tuple[str, str, int]:
    """AE title, host and port of AE@HOST:PORT.

    Raises:
        argparse.ArgumentTypeError: it is not of that form.
    """
    title, _, address = text.partition("@")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no node: say AE@HOST:PORT, as in PACS@127.0.0.1:4242")
    return ae_title(title), host, int(port)


def main(args: argparse.Namespace) -> int:
    """Listen until SIGTERM or Ctrl-C; 0 then.

    Raises:
        PathMissing: no such device, or no such study on the DICOMweb server.
        OutputFailed: the address can't be used.
    """
    if problem := usage_problem(args):
        print(problem, file=sys.stderr)
        return 2
    check_device(args.device)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    LOG.setLevel(logging.INFO)
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    limits = Limits(args.max_image_mib * MIB, args.max_study_mib * MIB, args.min_free_mib * MIB)
    service = Service(
        Spool(args.spool, limits), destination_of(args), work, values_of(args), args.quiet_s, args.keep_days
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop.set())
    try:
        with service.spool.owned():
            serve(service, args)
    except SpoolInUse as error:
        raise PathMissing(str(error)) from error
    return 0


def usage_problem(args: argparse.Namespace) -> str:
    """What is wrong with the arguments; empty if nothing is."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        return f'This needs the package {missing[0]}: pip install "head-ct-position-anomaly[pacs]".'
    if args.study and not args.dicomweb:
        return "--study is fetched from a DICOMweb server: name it with --dicomweb URL."
    if not args.once and not args.sender and not args.any_sender:
        return "Name the AE titles to take studies from: --sender AE (or --any-sender)."
    if not (args.to or args.dicomweb):
        return "Say where the results go: --to AE@HOST:PORT or --dicomweb URL."
    return ""


def destination_of(args: argparse.Namespace) -> Destination:
    """Where the results go: a node if one is named, else the DICOMweb server."""
    if args.to:
        from ..node import Node

        title, host, port = args.to
        return Node(host, port, title, args.ae_title)
    from ..dicomweb import WebNode

    return WebNode(args.dicomweb)


def values_of(args: argparse.Namespace) -> tuple[tuple[str, Any], ...]:
    """Values of ids of the config that the arguments set."""
    values: dict[str, Any] = {"stride": args.stride} if args.stride else {}
    if args.device != "auto":
        values["device"] = f"$torch.device('{args.device}')"
    return tuple(values.items())


def serve(service: Service, args: argparse.Namespace) -> None:
    """Fetch what was asked for, then listen and work until told to stop; with --once, until all is done.

    Raises:
        OutputFailed: the address can't be used.
    """
    for uid in args.study:
        fetch(service.spool, args.dicomweb, uid)
    if args.once:
        service.quiet_s = 0.0
        service.run(until_empty=True)
        return
    from ..node import Receiver

    with ExitStack() as stack:
        try:
            receiver = Receiver(service.spool, args.ae_title, () if args.any_sender else args.sender)
            stack.enter_context(receiver.listening(args.host, args.port))
        except OSError as error:
            text = f"Port {args.port} of {args.host} can't be used ({error.strerror}). Choose another with --port."
            raise OutputFailed(text) from error
        LOG.info("listening as %s on %s:%d", args.ae_title, args.host, args.port)
        service.run()
    LOG.info("stopped")


def fetch(spool: Spool, url: str, study_uid: str) -> None:
    """Bring a study from a DICOMweb server into the spool.

    Raises:
        PathMissing: it can't be had.
    """
    from ..dicomweb import WebNode

    for image_uid, content in WebNode(url).images(study_uid):
        spool.add(study_uid, image_uid, content)


@dataclass
class Service:
    """What is done with the studies of a spool."""

    spool: Spool
    destination: Destination
    work: Work
    values: tuple[tuple[str, Any], ...] = ()
    quiet_s: float = 30.0
    keep_days: float = 7.0
    stop: threading.Event = field(default_factory=threading.Event)
    wait_s: float = 0.0
    pause_s: float = 0.0

    def run(self, until_empty: bool = False) -> None:
        """Work and send until `stop` is set, or, if so wanted, until there is nothing left."""
        worker = threading.Thread(target=self.work_all, daemon=True)
        worker.start()
        while not self.stop.is_set():
            try:
                self.look()
            except OSError as error:
                LOG.error("the spool can't be written: %s", error.strerror or error)
            if until_empty and not any(self.spool.keys(state) for state in (INCOMING, READY, WORKING, RESULTS)):
                self.stop.set()
            self.stop.wait(TICK_S)

    def look(self) -> None:
        """See which studies are complete, send what there is, and remove what is old."""
        for key in self.spool.promote(self.quiet_s):
            LOG.info("study %s: complete", key[:8])
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
        """Work a study in a child process; whatever comes of it, the study is in another state then."""
        place = self.spool.place(WORKING, key)
        LOG.info("study %s: in work", key[:8])
        try:
            ((_, answer),) = in_processes(self.work, [Job(place / IMAGES, place / OUT, self.values)], 1)
        except OutputFailed as error:
            LOG.error("study %s: to be worked again: %s", key[:8], error)
            self.spool.again(key)
            self.stop.wait(FIRST_WAIT_S)
            return
        except Exception as error:
            answer = f"an error of the program ({type(error).__name__})"
        reason = answer.reason if isinstance(answer, Lost) else answer
        if not reason and self.spool.has_results(place):
            self.spool.move(key, WORKING, RESULTS)
            LOG.info("study %s: results made", key[:8])
        else:
            self.spool.refuse(key, reason or "It left no results.")
            LOG.warning("study %s: refused: %s", key[:8], reason or "It left no results.")

    def send_all(self) -> None:
        """Send the results of every study that has some; after a failure, nothing for a while."""
        self.pause_s -= TICK_S
        if self.pause_s > 0:
            return
        for key in self.spool.keys(RESULTS):
            try:
                self.destination.send(sorted((self.spool.place(RESULTS, key) / OUT / "dicom").glob("*.dcm")))
            except OSError as error:
                self.wait_s = min(2 * self.wait_s or FIRST_WAIT_S, LONGEST_WAIT_S)
                self.pause_s = self.wait_s
                LOG.error("study %s: results kept, again in %.0f s: %s", key[:8], self.wait_s, error)
                return
            self.wait_s = 0.0
            self.spool.move(key, RESULTS, SENT)
            LOG.info("study %s: results sent", key[:8])
