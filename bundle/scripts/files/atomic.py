"""Writes files atomically: synced, read back, and under their name only when complete.

Two folders change places in one step, so that there is no moment at which one of the names is missing. Linux has a call
for it (`renameat2` with `RENAME_EXCHANGE`, man 2 rename), which Python does not offer; some file systems, network file
systems among them, do not know it.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..assets import sha256
from ..errors import as_ours
from ..processes.stopping import undisturbed

Content = bytes | Callable[[Path], None]
"""A file's content, or the function that writes it to the path that it is given."""


OPENS_FOLDERS = hasattr(os, "O_DIRECTORY")
"""True where the system opens folders like files: all do but Windows."""


def check_writable(folder: Path, target: Path | None = None, needed_bytes: int = 0) -> None:
    """Check before hours of work that files may be written into a folder, which need not exist yet.

    Args:
        folder: where they shall go.
        target: what the message says was to be written; the folder itself by default.
        needed_bytes: how much space they will take.

    Raises:
        OutputFailed: they can't be written there, or the disk is too full.
    """
    place = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    number = 0
    if not place.is_dir():
        number = errno.ENOTDIR
    elif not os.access(place, os.W_OK | os.X_OK):
        number = errno.EROFS if _on_read_only_disk(place) else errno.EACCES
    elif needed_bytes and shutil.disk_usage(place).free < needed_bytes:
        number = errno.ENOSPC
    if number:
        raise as_ours(OSError(number, os.strerror(number), str(place)), target or folder)


def _on_read_only_disk(place: Path) -> bool:
    """True if the file system of a path says that it is read-only; Windows has no such question."""
    return hasattr(os, "statvfs") and bool(os.statvfs(place).f_flag & os.ST_RDONLY)


def write_file(path: Path, content: Content) -> str:
    """Write one file, sync it, read it back; its sha256.

    Raises:
        OSError: it could not be written, or reads back differently.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    sync(path)
    read_back = sha256(path)
    if isinstance(content, bytes) and read_back != hashlib.sha256(content).hexdigest():
        raise OSError(errno.EIO, "it reads back differently from what was written", str(path))
    return read_back


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk.

    Windows opens no folder, writes its entries on its own account, and syncs only files that are open for writing.
    """
    if not OPENS_FOLDERS and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if OPENS_FOLDERS else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """A hidden path beside `path` to write a file or a folder to, which then takes its name: complete or not at all.

    Raises:
        OSError: it can't be written; nothing is left of it.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        with undisturbed(), suppress(OSError):
            if partial.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
            partial.unlink()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that appears complete or not at all; its folder is made.

    Raises:
        OSError: it can't be written; an earlier file stays.
    """
    with staged(path) as partial:
        partial.write_bytes(content)
        sync(partial)


def write_output(path: Path, content: bytes) -> None:
    """Write a file that appears complete, read back, or not at all; its folder is made.

    Raises:
        OutputFailed: it can't be written.
    """
    try:
        with staged(path) as partial:
            write_file(partial, content)
    except OSError as error:
        raise as_ours(error, path) from error


RENAME_EXCHANGE, AT_FDCWD = 2, -100
"""Constants of Linux: exchange instead of replacing; paths are relative to the working directory."""

UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
"""Errors that say that the system or the file system does not know the call."""


def _program() -> ctypes.CDLL | None:
    """The libraries that this program has loaded; None on Windows, which does not show them as one."""
    try:
        return ctypes.CDLL(None, use_errno=True)
    except TypeError:
        return None


def swap(one: Path, other: Path) -> bool:
    """Exchange what two names stand for; False, and nothing is done, where the system can't.

    Raises:
        OSError: it can, but did not.
    """
    call = getattr(_program(), "renameat2", None)
    if call is None:
        return False
    ctypes.set_errno(0)
    if call(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
