"""`head-ct-anomaly listen`: a DICOM node that judges every head CT that is sent to it, and sends the results on.

Incoming images are stored in the spool; `service.service` works on them. The whole state is on the disk (see `spool`),
so the node can be killed and started again at any moment.
"""

from __future__ import annotations

import argparse
import logging
import math
import signal
import ssl
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..anomaly.chosen_calibration import why_no_alpha
from ..errors import OutputFailed, WrongUsage, described
from ..service.limits import MIB, Limits, SpoolFull
from ..service.service import Destination, Service, work
from ..service.spool import Spool, SpoolInUse
from ..workflow import device_values
from .addresses import ae_title, node_address, port_number
from .arguments import (
    add_alpha,
    add_calibration,
    add_device,
    add_no_report,
    add_stride,
    add_weights,
    check_device,
    from_zero,
    positive,
    series_uid,
    whole_from_zero,
)
from .scan_options import check_networks, chosen_by, no_weights, why_not_calibrated

LOG = logging.getLogger("head_ct_anomaly")

PACKAGES = ("highdicom", "pynetdicom", "dicomweb_client")

TLS_OPTIONS = {
    "certificate": "this node's certificate, with those between it and its authority",
    "key": "the key of that certificate, without a password",
    "authority": "certificates of the authorities of the other nodes",
}
"""Options beginning with --tls-, with what the file is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("spool", metavar="SPOOL", type=Path, help="folder in which studies and results are kept")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine only)")
    parser.add_argument("--port", type=port_number, default=11112, help="port to listen on (11112)")
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
        "--study", metavar="UID", type=series_uid, action="append", default=[], help="fetch by DICOMweb"
    )
    parser.add_argument("--once", action="store_true", help="don't listen; end when everything is worked and sent")
    parser.add_argument(
        "--quiet-s", type=from_zero, default=30.0, help="a study is complete after so many seconds (30)"
    )
    parser.add_argument(
        "--unfinished-s",
        type=from_zero,
        default=600.0,
        help="the same if its sender broke off, and may try again (600)",
    )
    parser.add_argument(
        "--keep-days", type=from_zero, default=7.0, help="how long what was sent or refused is kept (7)"
    )
    parser.add_argument("--max-image-mib", type=positive, default=1024, help="largest image that is taken (1024)")
    parser.add_argument("--max-study-mib", type=positive, default=4096, help="largest study that is taken (4096)")
    parser.add_argument(
        "--min-free-mib", type=whole_from_zero, default=2048, help="space of the disk that stays free (2048)"
    )
    tls = parser.add_argument_group("TLS", "senders must show a certificate of the authority; all three files, or none")
    for name, text in TLS_OPTIONS.items():
        tls.add_argument(f"--tls-{name}", metavar="PEM", type=Path, help=text)
    tls.add_argument("--to-tls", action="store_true", help="send results over TLS, too (--to)")
    add_device(parser)
    add_stride(parser)
    add_alpha(parser)
    add_calibration(parser)
    add_weights(parser)
    add_no_report(parser)


def main(args: argparse.Namespace) -> int:
    """Listen until SIGTERM or Ctrl-C; 0 then.

    Raises:
        WrongUsage: no such device, no such study on the DICOMweb server, or a file of TLS can't be used.
        OutputFailed: the address can't be used, the spool can't be made, or a fetched study has no room in it.
    """
    if problem := usage_problem(args):
        print(problem, file=sys.stderr)
        return 2
    check_device(args.device)
    check_networks(args)
    limits = Limits(args.max_image_mib * MIB, args.max_study_mib * MIB, args.min_free_mib * MIB)
    values = values_of(args)
    with own_lines_only():
        spool, destination = Spool(args.spool, limits), destination_of(args)
        service = Service(spool, destination, work, values, args.quiet_s, args.unfinished_s, args.keep_days)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: service.stop.set())
        try:
            with service.spool.owned():
                serve(service, args)
        except SpoolInUse as error:
            raise WrongUsage(str(error)) from error
    return 0


@contextmanager
def own_lines_only() -> Iterator[None]:
    """Write the log to standard error while the context lasts, and keep libraries' lines and warnings off it.

    Those may hold values of headers, as may the traceback of a thread: of its error only type and own words are shown.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    handler.addFilter(logging.Filter(LOG.name))
    logging.getLogger().addHandler(handler)
    level, library = LOG.level, logging.getLogger("pynetdicom")
    LOG.setLevel(logging.INFO)
    library.setLevel(logging.CRITICAL)
    before, threading.excepthook = threading.excepthook, in_a_thread
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        threading.excepthook = before
        logging.getLogger().removeHandler(handler)
        LOG.setLevel(level)
        library.setLevel(logging.NOTSET)


def in_a_thread(raised: threading.ExceptHookArgs) -> None:
    """Say that a thread ended with an error, without values that it may hold."""
    if raised.exc_value is not None:
        LOG.error("an error of the program in a thread (%s)", described(raised.exc_value))


def usage_problem(args: argparse.Namespace) -> str:
    """A sentence on what is wrong with the arguments; empty if nothing is."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        return f'This needs the package {missing[0]}: pip install "head-ct-position-anomaly[pacs]".'
    if args.study and not args.dicomweb:
        return "--study is fetched from a DICOMweb server: name it with --dicomweb URL."
    if not args.once and not args.sender and not args.any_sender:
        return "Name the AE titles to take studies from: --sender AE (or --any-sender)."
    given = [getattr(args, f"tls_{name}") is not None for name in TLS_OPTIONS]
    if any(given) != all(given) or (args.to_tls and not all(given)):
        return f"TLS needs all of {', '.join(f'--tls-{name}' for name in TLS_OPTIONS)}."
    if args.to_tls and not args.to:
        return "--to-tls is about the node that results go to: name it with --to AE@HOST:PORT."
    if not (args.to or args.dicomweb):
        return "Say where the results go: --to AE@HOST:PORT or --dicomweb URL."
    reason = no_weights(args) or (args.calibration and why_not_calibrated(args))
    return reason or why_no_alpha(args.alpha, chosen_by(args))


def destination_of(args: argparse.Namespace) -> Destination:
    """The destination of the results: a node if one is named, else the DICOMweb server."""
    if args.to:
        from ..service.node import Node

        title, host, port = args.to
        return Node(host, port, title, args.ae_title, tls=tls_context(args, server=False) if args.to_tls else None)
    from ..service.dicomweb import WebNode

    node = WebNode(args.dicomweb)
    node.client()  # an address that is none is said at once
    return node


def tls_context(args: argparse.Namespace, server: bool) -> ssl.SSLContext | None:
    """The context of TLS connections for one of their sides; None if no files are named.

    Raises:
        WrongUsage: a file can't be used.
    """
    if args.tls_key is None:
        return None
    from ..service.tls import TlsFiles

    return TlsFiles(args.tls_certificate, args.tls_key, args.tls_authority).context(server)


def values_of(args: argparse.Namespace) -> tuple[tuple[str, Any], ...]:
    """Values of ids of the config that the arguments set."""
    asked = {name: value for name, value in (("stride", args.stride), ("alpha", args.alpha)) if value}
    chosen = chosen_by(args).values()
    return tuple({**asked, **chosen, **device_values(args.device), "report": args.report}.items())


def serve(service: Service, args: argparse.Namespace) -> None:
    """Fetch the named studies, then listen and work until stopped; with --once, until all is done.

    Raises:
        OutputFailed: the address can't be used, or a study has no room in the spool.
    """
    for uid in args.study:
        fetch(service.spool, args.dicomweb, uid)
    if args.once:
        service.quiet_s, service.unfinished_s = 0.0, math.inf  # half a study is left for when the rest can be had
        service.run(until_empty=True)
        return
    from ..service.receiver import Receiver

    tls = tls_context(args, server=True)
    with ExitStack() as stack:
        try:
            receiver = Receiver(service.spool, args.ae_title, () if args.any_sender else args.sender, tls)
            stack.enter_context(receiver.listening(args.host, args.port))
        except (OSError, UnicodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no name of a host"
            text = f"Port {args.port} of {args.host} can't be used ({why}). Choose another with --port or --host."
            raise OutputFailed(text) from error
        LOG.info("listening as %s on %s:%d%s", args.ae_title, args.host, args.port, " over TLS" if tls else "")
        service.run()
    LOG.info("stopped")


def fetch(spool: Spool, url: str, study_uid: str) -> None:
    """Bring a study from a DICOMweb server into the spool.

    Raises:
        WrongUsage: it can't be had.
        OutputFailed: there is no room for it.
    """
    from ..service.dicomweb import WebNode

    for image_uid, content in WebNode(url).images(study_uid):
        try:
            spool.add(study_uid, image_uid, content, unfinished=True)
        except SpoolFull as error:
            raise OutputFailed(
                f"The study has no room in {spool.root}: {error.strerror}. "
                "Free some space, or change --max-image-mib, --max-study-mib or --min-free-mib."
            ) from error
    spool.finish(study_uid)
