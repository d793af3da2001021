"""TLS of the node, on both sides: DICOM PS3.15 B.12, the BCP 195 profile (RFC 8996 and RFC 9325).

Both sides show a certificate, signed by an *authority* that the other one knows. TLS 1.2 and 1.3 are spoken, with the
cipher suites that RFC 9325 recommends. A handshake is done in the thread of its connection, so that a program that
connects and sends nothing keeps nobody waiting.
"""

from __future__ import annotations

import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

from ..errors import WrongUsage

LOG = logging.getLogger("head_ct_anomaly")

CIPHERS = ":".join(
    f"ECDHE-{signature}-{cipher}"
    for cipher in ("AES256-GCM-SHA384", "AES128-GCM-SHA256")
    for signature in ("ECDSA", "RSA")
)
"""Cipher suites of TLS 1.2 (RFC 9325 section 4.2), by OpenSSL's names; those of TLS 1.3 are all of that kind."""

HANDSHAKE_S = 10.0
"""Longest time of a handshake."""

NO_PASSWORD = "The TLS key is encrypted. Give --tls-key a key without a password, which only this user may read."


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: own certificate (with those between it and the authority), its key, and the authorities of peers."""

    certificate: Path
    key: Path
    authority: Path

    def context(self, server: bool) -> ssl.SSLContext:
        """The context of connections in which this side is the server, or the client.

        Raises:
            WrongUsage: a file can't be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(CIPHERS)
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(self.authority)
        except OSError as error:
            text = f"The TLS authority can't be used ({reason_of(error)}). Check --tls-authority: it is a PEM file."
            raise WrongUsage(text) from error
        try:
            context.load_cert_chain(self.certificate, self.key, _no_password)
        except WrongUsage:
            raise
        except OSError as error:
            text = f"TLS certificate and key can't be used ({reason_of(error)}). Check --tls-certificate and --tls-key."
            raise WrongUsage(text) from error
        return context


def _no_password() -> str:
    """Instead of a question on the terminal."""
    raise WrongUsage(NO_PASSWORD)


def reason_of(error: OSError) -> str:
    """Why a file can't be used, or a handshake failed, in OpenSSL's or the system's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").replace("_", " ").lower()
    return error.strerror or type(error).__name__


class Server(ThreadedAssociationServer):
    """pynetdicom's server, which does handshakes, if there is a context for them, in the connections' threads."""

    def __init__(self, *args: Any, tls: ssl.SSLContext | None, **kwargs: Any) -> None:
        self.tls = tls
        super().__init__(*args, **kwargs)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Begin the association of a connection."""
        if self.tls is not None:
            try:
                request = shaken(request, self.tls)
            except OSError as error:
                if not gone(error):
                    text = "a TLS connection from %s was refused: %s"
                    LOG.warning(text, client_address[0], reason_of(error))
                self.shutdown_request(request)
                return
        super().process_request_thread(request, client_address)


def shaken(connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection of the server after the handshake.

    Raises:
        OSError: it failed, or took too long.
    """
    connection.settimeout(HANDSHAKE_S)
    wrapped = context.wrap_socket(connection, server_side=True)
    wrapped.settimeout(None)
    return wrapped


def gone(error: OSError) -> bool:
    """True if the other side left without a word, as programs do that only see whether the node is up."""
    return isinstance(error, ConnectionError | ssl.SSLEOFError)


def client_problem(host: str, port: int, context: ssl.SSLContext, timeout_s: float) -> str:
    """Why no TLS connection to a server comes about; empty where it does, or the server does not say."""
    try:
        with (
            socket.create_connection((host, port), timeout_s) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            return ""
    except OSError as error:
        return reason_of(error)
