"""The DICOM node: takes CT images from known senders into a spool, and sends results to another node. pynetdicom.

Only the classes of CT images are taken. An association from an *AE title* that is not on the list is rejected, and so
is every other class of object; both leave a line in the log. Log lines name studies by the first digits of their hash,
never a patient.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from ..reading.headers import IMAGE_STORAGE
from .spool import Spool, SpoolFull, key_of

LOG = logging.getLogger("head_ct_anomaly")

SUCCESS, OUT_OF_RESOURCES, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000
"""Status values of C-STORE (DICOM PS3.4 B.2.3)."""

MAX_ASSOCIATIONS = 10
"""Senders at the same time."""

CLOSING_SECONDS = 2.0
"""Longest wait for rejected senders to close their connections when the node ends."""

NAMED = 3
"""Most classes that a log line names: some senders offer all that there are."""


class SendFailed(OSError):
    """The destination did not accept results; they are kept, and sent again."""


def shown(key: str) -> str:
    """A study's name in the log."""
    return key[:8]


@dataclass(frozen=True)
class Receiver:
    """Takes images of `senders` (AE titles; any if none is named) into the spool."""

    spool: Spool
    ae_title: str
    senders: Sequence[str] = ()

    @contextmanager
    def listening(self, host: str, port: int) -> Iterator[Any]:
        """Listen on an address while the context lasts.

        Raises:
            OSError: the address can't be used.
        """
        ae = AE(ae_title=self.ae_title)
        ae.maximum_associations = MAX_ASSOCIATIONS
        ae.require_called_aet = True
        ae.require_calling_aet = list(self.senders)
        ae.add_supported_context(Verification)
        for storage in IMAGE_STORAGE:
            ae.add_supported_context(storage, ALL_TRANSFER_SYNTAXES)
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self.store),
            (evt.EVT_REJECTED, rejected),
            (evt.EVT_ACCEPTED, not_taken),
            (evt.EVT_CONN_CLOSE, closed),
        ]
        server = ae.start_server((host, port), block=False, evt_handlers=handlers)
        try:
            yield server
        finally:
            wait_for_rejected(server)
            ae.shutdown()

    def store(self, event: Any) -> int:
        """Store one image; the status to answer."""
        content = event.encoded_dataset()
        image_uid = str(event.request.AffectedSOPInstanceUID)
        try:
            data = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
            study_uid = str(data.StudyInstanceUID)
        except Exception as error:  # pydicom raises many kinds on bytes that are not what they should be
            LOG.warning("an image without a readable study was refused (%s)", type(error).__name__)
            return NOT_UNDERSTOOD
        try:
            self.spool.add(study_uid, image_uid, content)
        except SpoolFull as error:
            LOG.error("study %s: an image was refused: %s", shown(key_of(study_uid)), error.strerror)
            return OUT_OF_RESOURCES
        except OSError as error:
            LOG.error("study %s: an image could not be stored: %s", shown(key_of(study_uid)), error.strerror)
            return OUT_OF_RESOURCES
        return SUCCESS


def rejected(event: Any) -> None:
    """Say that an association was rejected."""
    LOG.warning("an association from AE title %s was rejected", event.assoc.requestor.ae_title)


def wait_for_rejected(server: Any) -> None:
    """Wait up to `CLOSING_SECONDS` until rejected senders have closed their connections.

    `AE.shutdown` aborts every association, but one that was rejected can no longer be aborted: its thread would end
    with an `InvalidEventError`.
    """
    latest = time.monotonic() + CLOSING_SECONDS
    while any(each.is_rejected for each in server.active_associations) and time.monotonic() < latest:
        time.sleep(0.01)


def closed(event: Any) -> None:
    """End an association whose connection was closed before it asked for anything.

    pynetdicom would wait half a minute for the request, and count it as one of `MAX_ASSOCIATIONS` all the while: a
    program that connects now and then to see whether the node is up would keep the senders out.
    """
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(None)


def not_taken(event: Any) -> None:
    """Say which kinds of objects a sender offers that are not taken."""
    names = {context.abstract_syntax.name for context in event.assoc.rejected_contexts}
    if names:
        listed = sorted(names, key=lambda name: (not name.startswith("MR "), name))
        more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
        LOG.warning("not taken, since it is not CT: %s%s", ", ".join(listed[:NAMED]), more)


@dataclass(frozen=True)
class Node:
    """Another node, to which results are sent by C-STORE."""

    host: str
    port: int
    ae_title: str
    own_title: str
    timeout_s: float = field(default=30.0)

    def send(self, files: Iterable[Path]) -> None:
        """Send DICOM files; all were taken when it returns.

        Raises:
            SendFailed: the node can't be reached, or did not take one.
        """
        paths = list(files)
        ae = AE(ae_title=self.own_title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = self.timeout_s
        for path in paths:
            meta = pydicom.dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True).file_meta
            ae.add_requested_context(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID)
        association = ae.associate(self.host, self.port, ae_title=self.ae_title)
        if not association.is_established:
            raise SendFailed(f"{self.ae_title} at {self.host}:{self.port} can't be reached")
        try:
            for path in paths:
                self.store(association, path)
        finally:
            association.release()

    def store(self, association: Any, path: Path) -> None:
        """Send one file.

        Raises:
            SendFailed: it was not taken.
        """
        try:
            status = association.send_c_store(path).get("Status")
        except (ValueError, RuntimeError) as error:
            raise SendFailed(f"{self.ae_title} does not take {path.stem}: {error}") from error
        if status is None or (status != SUCCESS and status & 0xF000 != 0xB000):
            text = "no answer" if status is None else f"status {status:04X}"
            raise SendFailed(f"{self.ae_title} did not take {path.stem} ({text})")
