"""The DICOM node's receiving side: takes CT images from known senders into a spool. pynetdicom.

A study is sent with all that belongs to it: dose reports, key images, results of this program. A sender that meets a
class that is not taken may give up the whole study. So every class of the storage service is accepted, private ones
too; what is no CT image is confirmed and dropped, with one line in the log for an association. The results of this
program are among that, so that none ever becomes an input.

A study is *unfinished* from its first image until its sender releases the association, or goes on to another study.
Who aborts, or loses the connection, leaves it unfinished: it waits longer for the rest (see `spool`).

An object comes in *fragments*, which pynetdicom collects in memory until the last one is there. Of an object that is
larger than an image may be, what comes after that is let go when it arrives.
"""

from __future__ import annotations

import io
import logging
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any
from weakref import WeakKeyDictionary

import pydicom
from pydicom.filereader import read_dataset
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.pdu_primitives import A_RELEASE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from ..reading.headers import IMAGE_STORAGE
from .association import PADDING, Delivery, peer, refusal_reason
from .limits import SpoolFull
from .spool import Added, Spool, key_of, shown
from .tls import Server

LOG = logging.getLogger("head_ct_anomaly")

SUCCESS, ELEMENTS_DISCARDED, OUT_OF_RESOURCES, NOT_UNDERSTOOD = 0x0000, 0xB006, 0xA700, 0xC000
"""Status values of C-STORE (DICOM PS3.4 table B.2-1)."""

META_BEGIN = 144
"""First byte of the File Meta Information behind the preamble and the element that says its length in four bytes."""

STUDY_TAG, INFLATED_BYTES = Tag("StudyInstanceUID"), 2**16
"""The attribute that tells studies apart, and the bytes at the beginning of a deflated file in which it stands."""

BEYOND_BYTES = 2**16
"""Bytes of an object that are kept beyond the largest image: it is seen to be too large, and its study is read."""

COMMAND = 1
"""The bit in the first byte of a fragment that tells a command from a data set (PS3.8 E.2)."""

MAX_ASSOCIATIONS = 10
"""Senders at the same time."""

CLOSING_SECONDS = 2.0
"""Longest wait for rejected senders to close their connections when the node ends."""

PREFERRED_SYNTAXES = frozenset(
    f"1.2.840.10008.1.2{end}"
    for end in ("", ".1", ".1.99", ".2", ".5", *(f".4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91)))
)
"""Transfer syntaxes of CT images that come before all others that a sender offers: these can be read."""


@dataclass(frozen=True)
class Receiver:
    """Takes images of `senders` (AE titles; any if none is named) into the spool, over TLS if there is a context."""

    spool: Spool
    ae_title: str
    senders: Sequence[str] = ()
    tls: SSLContext | None = None
    deliveries: WeakKeyDictionary[Any, Delivery] = field(default_factory=WeakKeyDictionary, repr=False, compare=False)
    received: WeakKeyDictionary[Any, int] = field(default_factory=WeakKeyDictionary, repr=False, compare=False)

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
        handlers: list[Any] = [
            (evt.EVT_FSM_TRANSITION, misunderstood),
            (evt.EVT_REQUESTED, prepare),
            (evt.EVT_PDU_RECV, self.cut),
            (evt.EVT_REJECTED, self.rejected),
            (evt.EVT_C_STORE, self.store),
            (evt.EVT_ACSE_RECV, self.released),
            (evt.EVT_ABORTED, self.aborted),
            (evt.EVT_CONN_CLOSE, closed),
        ]
        with tolerant():
            server = ae.make_server((host, port), evt_handlers=handlers, server_class=Server, tls=self.tls)
            ae._servers.append(server)  # as `AE.start_server` does, which takes no server of another class
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield server
            finally:
                wait_for_rejected(server)
                ae.shutdown()

    def cut(self, event: Any) -> None:
        """Cut the fragments of an object at the size of the largest image: more would only fill the memory.

        What is kept is over that size, so that the object is refused. One fragment is in memory whole before it is cut.
        """
        most = self.spool.limits.image_bytes + BEYOND_BYTES
        for fragment in getattr(event.pdu, "presentation_data_value_items", ()):
            content = fragment.presentation_data_value or b"\0"
            before = 0 if content[0] & COMMAND else self.received.get(event.assoc, 0)
            self.received[event.assoc] = before + len(content) - 1
            if self.received[event.assoc] > most:
                fragment.presentation_data_value = content[: 1 + max(0, most - before)]

    def store(self, event: Any) -> int:
        """Store or drop one object; the status to answer."""
        delivery = self.delivery(event.assoc)
        sop_class = str(event.request.AffectedSOPClassUID)
        content = event.encoded_dataset()
        study_uid = study_of(content)
        try:
            if sop_class not in IMAGE_STORAGE:
                delivery.dropped[sop_class] += 1
                self.spool.touch(study_uid)
                return SUCCESS
            if not study_uid:
                LOG.warning("an image without a readable study was refused")
                return NOT_UNDERSTOOD
            return self.keep(delivery, study_uid, content, event)
        except SpoolFull as error:
            LOG.error("study %s: an image was refused: %s", shown(key_of(study_uid)), error.strerror)
        except OSError as error:
            LOG.error("study %s: an image could not be stored: %s", shown(key_of(study_uid)), error.strerror)
        return OUT_OF_RESOURCES

    def keep(self, delivery: Delivery, study_uid: str, content: bytes, event: Any) -> int:
        """Store one CT image; the status to answer.

        Raises:
            OSError: it can't be stored.
        """
        if delivery.study not in ("", study_uid):
            self.spool.finish(delivery.study)  # who goes on to another study has finished the one before
        delivery.study = study_uid
        image_uid = str(event.request.AffectedSOPInstanceUID)
        added = self.spool.add(study_uid, image_uid, content, unfinished=True)
        delivery.stored += added is Added.NEW
        delivery.held += added is not Added.NEW
        if added is not Added.OTHER:
            return SUCCESS
        if not delivery.changed:
            text = "study %s: an image of %s has other content than the one stored under its UID, which stays"
            LOG.warning(text, shown(key_of(study_uid)), peer(event.assoc))
        delivery.changed += 1
        return ELEMENTS_DISCARDED

    def delivery(self, association: Any) -> Delivery:
        """The delivery over an association so far."""
        return self.deliveries.setdefault(association, Delivery())

    def released(self, event: Any) -> None:
        """A sender has sent all that it wanted to; it is not answered before that is on the disk."""
        if not isinstance(event.primitive, A_RELEASE):
            return
        delivery = self.deliveries.pop(event.assoc, Delivery())
        if delivery.study:
            self.spool.finish(delivery.study)
        if summary := delivery.summary():
            LOG.info("%s sent %s", peer(event.assoc), summary)

    def aborted(self, event: Any) -> None:
        """A sender broke off, or is gone."""
        if summary := self.deliveries.pop(event.assoc, Delivery()).summary():
            LOG.warning("%s broke off after %s", peer(event.assoc), summary)

    def rejected(self, event: Any) -> None:
        """Say that an association was refused, and why."""
        reason = refusal_reason(event.assoc, self.ae_title, MAX_ASSOCIATIONS)
        LOG.warning("an association of %s was refused: %s", peer(event.assoc), reason)


@contextmanager
def tolerant() -> Iterator[None]:
    """Let pynetdicom take objects of every class, and AE titles that are filled up with NULs."""
    valid, before = _config.VALIDATORS["AE"], _config.UNRESTRICTED_STORAGE_SERVICE
    _config.VALIDATORS["AE"] = lambda title: valid(title.rstrip(PADDING))
    _config.UNRESTRICTED_STORAGE_SERVICE = True
    try:
        yield
    finally:
        _config.VALIDATORS["AE"], _config.UNRESTRICTED_STORAGE_SERVICE = valid, before


def prepare(event: Any) -> None:
    """Strip the AE titles of a request, and put transfer syntaxes that can be read first: the first one is taken."""
    request = event.assoc.requestor.primitive
    request.calling_ae_title = request.calling_ae_title.strip(PADDING) or request.calling_ae_title
    request.called_ae_title = request.called_ae_title.strip(PADDING) or request.called_ae_title
    for context in request.presentation_context_definition_list:
        if context.abstract_syntax in IMAGE_STORAGE:
            context.transfer_syntax = sorted(context.transfer_syntax, key=lambda uid: uid not in PREFERRED_SYNTAXES)


def study_of(content: bytes) -> str:
    """StudyInstanceUID of a DICOM file as it stands there; empty if it can't be read.

    It is not made a pydicom value, which a warning with the value in it would come of where it is no UID. Of a deflated
    file only the beginning is inflated: a small one may hold gigabytes.
    """
    try:
        end = META_BEGIN + int.from_bytes(content[META_BEGIN - 4 : META_BEGIN], "little")
        if DeflatedExplicitVRLittleEndian.encode() in content[META_BEGIN:end]:
            begin = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[end:], INFLATED_BYTES)
            data = read_dataset(io.BytesIO(begin), False, True, stop_when=lambda tag, _, __: tag > STUDY_TAG)
        else:
            data = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=["StudyInstanceUID"])
        return str(data.get_item("StudyInstanceUID").value.decode("latin-1")).strip(PADDING)
    except Exception:  # pydicom raises many kinds on bytes that are not what they should be
        return ""


def misunderstood(event: Any) -> None:
    """Say that a connection began with something else than a request that DICOM knows (event 19 of PS3.8 9.2.3)."""
    if event.current_state == "Sta2" and event.fsm_event == "Evt19":
        address = event.assoc.requestor.address_info.address
        LOG.warning("a connection from %s was refused: what it sent is no DICOM association request", address)


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
