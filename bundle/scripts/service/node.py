"""The DICOM node's sending side: results go to another node by C-STORE. pynetdicom."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pydicom
from pynetdicom import AE

from .sending import PLAIN, NotTaken, Refusal, SendFailed, Sent, meta_of, uncompressed
from .tls import client_problem

LOG = logging.getLogger("head_ct_anomaly")

TAKEN = (0x0000, 0x0111)
"""Statuses of C-STORE of an object that the other node has: success, and that it had it already (PS3.7 annex C).

0xBxxx are warnings about objects that were taken (PS3.4 table B.2-1).
"""


def as_accepted(association: Any, path: Path) -> Path | pydicom.Dataset:
    """The file at `path`, or its content without compression if the other node does not take its transfer syntax."""
    meta = meta_of(path)
    syntaxes = {
        syntax
        for context in association.accepted_contexts
        if context.abstract_syntax == meta.MediaStorageSOPClassUID
        for syntax in context.transfer_syntax
    }
    if meta.TransferSyntaxUID in syntaxes:
        return path
    return uncompressed(path)


def contexts_of(paths: Iterable[Path]) -> list[tuple[Any, Any]]:
    """The presentation contexts to ask for, (SOP class, transfer syntax), each once: an association has 128 at most.

    Of each class are asked for the syntaxes of its files, and those without compression, since some archives take no
    other.
    """
    metas = map(meta_of, paths)
    pairs = ((meta.MediaStorageSOPClassUID, (meta.TransferSyntaxUID, *PLAIN)) for meta in metas)
    return list(dict.fromkeys((sop_class, syntax) for sop_class, syntaxes in pairs for syntax in syntaxes))


@dataclass(frozen=True)
class Node:
    """Another node, to which results are sent by C-STORE, over TLS if there is a context."""

    host: str
    port: int
    ae_title: str
    own_title: str
    timeout_s: float = field(default=30.0)
    tls: SSLContext | None = None
    sent: Sent = field(default_factory=Sent, repr=False, compare=False)

    def send(self, files: Iterable[Path]) -> None:
        """Send DICOM files; when it returns, all of the classes that the node takes were taken, or refused for good.

        Objects of other classes, and those (see `sending`), are left out, with a log line: many archives take no
        Parametric Maps, say.

        Raises:
            SendFailed: the node can't be reached, or takes none of the classes.
            NotTaken: it did not take an object of one, and is to be sent that again.
        """
        paths = list(files)
        ae = AE(ae_title=self.own_title)
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = self.timeout_s
        for sop_class, syntax in contexts_of(paths):
            ae.add_requested_context(sop_class, syntax)
        tls_args = None if self.tls is None else (self.tls, self.host)
        association = ae.associate(self.host, self.port, ae_title=self.ae_title, tls_args=tls_args)
        if not association.is_established:
            raise SendFailed(f"{self.ae_title} at {self.host}:{self.port} {self.problem(association)}")
        try:
            self.sent.send(
                self.of_accepted_classes(association, paths), self.ae_title, partial(self.store, association)
            )
        finally:
            association.release()

    def of_accepted_classes(self, association: Any, paths: list[Path]) -> list[Path]:
        """The files whose class the other node accepts."""
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        classes = {path: meta_of(path).MediaStorageSOPClassUID for path in paths}
        left_out = Counter(sop_class.name for sop_class in classes.values() if sop_class not in accepted)
        if left_out:
            text = ", ".join(f"{number} {name}" for name, number in sorted(left_out.items()))
            LOG.warning("%s does not take these classes, which are left out: %s", self.ae_title, text)
        return [path for path in paths if classes[path] in accepted]

    def problem(self, association: Any) -> str:
        """Why there is no association, to stand after the name of the node."""
        if association.is_rejected:
            return f"refuses associations of {self.own_title}: see its list of nodes"
        if classes := sorted({context.abstract_syntax.name for context in association.rejected_contexts}):
            return f"takes none of the results: {', '.join(classes)}"
        if self.tls and (reason := client_problem(self.host, self.port, self.tls, self.timeout_s)):
            return f"can't be reached over TLS ({reason})"
        return "can't be reached"

    def store(self, association: Any, path: Path) -> Refusal | None:
        """Send one file; why it was refused, or None.

        Raises:
            NotTaken: the node did not answer.
        """
        try:
            status = association.send_c_store(as_accepted(association, path)).get("Status")
        except ValueError as error:
            return Refusal(None, f"it can't be sent: {error}")
        except RuntimeError as error:
            raise NotTaken(f"{self.ae_title} does not take {path.stem}: {error}") from error
        if status is None:
            raise NotTaken(f"{self.ae_title} did not take {path.stem} (no answer)")
        return None if status in TAKEN or status & 0xF000 == 0xB000 else Refusal(int(status))
