"""Sockets of processes that hand tensors to one another, in a folder whose path is short enough for them.

PyTorch hands tensors from the workers of a `DataLoader` on by sockets, which `multiprocessing` puts into the folder for
temporary files. The path of a socket has a limit of about 100 bytes. Beyond it what a worker sends is lost, and the
process that waits for it waits for ever. Here such a process gets a folder of its own in `SHORT`.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import current_process
from pathlib import Path

from ..errors import WrongUsage

MOST_BYTES = 103
"""Longest path of a socket: on macOS; Linux takes 107."""

NAME_BYTES = len("/pymp-12345678/listener-12345678")
"""Bytes that `multiprocessing` adds to the folder for temporary files."""

SHORT = "/tmp"
"""A folder with a short path, which every system with such sockets has."""

PREFIX = "pymp-"
"""Names of the folders begin so, as those of `multiprocessing`."""


@contextmanager
def short_socket_paths() -> Iterator[None]:
    """A context in which this process and those that it starts can hand on tensors, however long `TMPDIR` is.

    Raises:
        WrongUsage: the path is too long, and there is no other place.
    """
    settings = current_process()._config  # type: ignore[attr-defined]
    before = settings.get("tempdir")
    outer = Path(before).parent if before else tempfile.gettempdir()
    length = len(os.fsencode(outer))
    if length + NAME_BYTES <= MOST_BYTES:
        yield
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix=PREFIX, dir=SHORT, ignore_cleanup_errors=True)
    except OSError as error:
        raise WrongUsage(
            f"The path of the folder for temporary files has {length} bytes, too many for sockets between processes. "
            f"Name one of at most {MOST_BYTES - NAME_BYTES} bytes in the environment variable TMPDIR."
        ) from error
    with folder as settings["tempdir"]:
        try:
            yield
        finally:
            settings["tempdir"] = before
            if not before:
                del settings["tempdir"]


def shorten_socket_paths() -> None:
    """Let this process and those that it starts hand on tensors until it ends, however long `TMPDIR` is.

    For configs of MONAI, whose runs are no block of code that a context could enclose.

    Raises:
        WrongUsage: the path is too long, and there is no other place.
    """
    lasting = ExitStack()
    lasting.enter_context(short_socket_paths())
    atexit.register(lasting.close)
