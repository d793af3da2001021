"""Locks: one process at a time writes to a place.

The *lock file* of a place is an empty hidden file beside it, `.NAME.lock`. Who has the operating system's lock on that
file (`flock` or `LockFileEx`, by filelock) may write to the place. The lock ends with its process, however that ends;
the file is removed with it, or, after a process that was killed, by the next one that takes the lock. A thread that has
the lock may take it again.

Some file systems, mostly network file systems, have no locks. There nobody is kept out, and the lock is not *firm*:
another process may be writing to the place at the same time.

`alone` takes a lock for a command: who does not get it sees an error that names the folder.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from filelock import lock_descriptor

from ..errors import OutputExists, as_ours
from ..processes.stopping import undisturbed

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""Errors of the operating system that say that a file system has no locks."""

ATTEMPTS = 20
"""Attempts to begin anew if another process removes the file, or its folder, that was just made."""

YieldedT = TypeVar("YieldedT")

HELD: dict[tuple[Path, int], bool] = {}
"""The locks of this process by place and thread, and whether they are firm."""


@contextmanager
def alone(lock: AbstractContextManager[YieldedT], folder: Path, taken: str = "") -> Iterator[YieldedT]:
    """Hold a lock of an output folder while the context lasts; yields what the lock yields.

    Args:
        lock: `locked`, `lock_file` or `lasting_lock` of a path in the folder, or of the folder itself.
        folder: named if the lock can't be made.
        taken: the text of the error if another process or thread has the lock; if it is empty, the one of `as_ours`.

    Raises:
        OutputExists: another process or thread has the lock.
        OutputFailed: the lock can't be made.
    """
    with ExitStack() as stack:
        try:
            found = stack.enter_context(lock)
        except BlockingIOError as error:
            raise (OutputExists(taken) if taken else as_ours(error, folder)) from error
        except OSError as error:
            raise as_ours(error, folder) from error
        yield found


@contextmanager
def locked(place: Path) -> Iterator[bool]:
    """Keep other processes and threads away from an absolute path while the context lasts; yields whether it is firm.

    Folders that are made for the lock file are removed again unless something else is in them then.

    Raises:
        BlockingIOError: another process or thread has the lock.
        OSError: the lock file can't be made.
    """
    key = (place, threading.get_ident())
    if key in HELD:
        yield HELD[key]
        return
    made = [folder for folder in place.parents if not folder.exists()]
    try:
        with lock_file(place.with_name(f".{place.name}.lock")) as firm:
            HELD[key] = firm
            try:
                yield firm
            finally:
                del HELD[key]
    finally:
        with undisturbed(), suppress(OSError):  # one that is not empty, and those above it, are of use
            for folder in made:
                folder.rmdir()


@contextmanager
def lock_file(path: Path) -> Iterator[bool]:
    """Make a lock file at an absolute path, lock it, and remove it in the end; yields whether the lock is firm.

    Raises:
        BlockingIOError: another process or thread has the lock.
        OSError: the lock file can't be made.
    """
    descriptor = None
    try:
        with undisturbed():
            descriptor, firm = _taken(path)
        yield firm
    finally:
        with undisturbed():
            if descriptor is not None:
                removed = _removed(path)  # before the lock ends: who has opened it will see that it is not there
                os.close(descriptor)
                if not removed:  # Windows removes no open file, so who has opened it meanwhile keeps it
                    _removed(path)


@contextmanager
def lasting_lock(path: Path) -> Iterator[int]:
    """Lock a file that stays when the lock ends; yields its descriptor: a child process that inherits it has the lock.

    Raises:
        BlockingIOError: another process has the lock.
        OSError: the file can't be made, or its file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        if not lock_descriptor(stream.fileno(), blocking=False):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        yield stream.fileno()


def _removed(path: Path) -> bool:
    """Remove a lock file; whether that was possible."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _taken(path: Path) -> tuple[int, bool]:
    """Descriptor of the lock file, locked, and whether that is firm."""
    for attempt in range(ATTEMPTS):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            if attempt + 1 == ATTEMPTS:
                raise
            continue
        try:
            firm = _locked(descriptor)
            if not firm or _is_at(descriptor, path):
                return descriptor, firm
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path))


def _locked(descriptor: int) -> bool:
    """Take the operating system's lock, without waiting; False where there is none to take."""
    try:
        if not lock_descriptor(descriptor, blocking=False):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    except OSError as error:
        if error.errno in WITHOUT_LOCKS:
            return False
        raise
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """True if an open file is still the one at a path."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
