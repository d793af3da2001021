"""Arguments of `listen` that name nodes: AE titles, addresses, ports."""

from __future__ import annotations

import argparse

from ..words import shortened

LONGEST_SHOWN = 40
"""Characters of a host's name that a message repeats."""


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
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host  # an address of IPv6
    if not host or not is_port(port):
        raise argparse.ArgumentTypeError(f"{text!r} is no node: say AE@HOST:PORT, as in PACS@127.0.0.1:4242")
    try:
        host.encode("idna")
    except UnicodeError as error:
        named = repr(shortened(host, LONGEST_SHOWN))
        text = f"{named} is no name of a host: between its dots are 1 to 63 characters"
        raise argparse.ArgumentTypeError(text) from error
    return ae_title(title), host, int(port)


def port_number(text: str) -> int:
    """A port, checked.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not is_port(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 1 to 65535")
    return int(text)


def is_port(text: str) -> bool:
    """True if a text is the number of a port."""
    return text.isdigit() and 0 < int(text) < 65536
