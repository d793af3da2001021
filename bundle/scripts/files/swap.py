"""Exchange two folders atomically: at no moment is one of the names missing.

Linux has a call for it (`renameat2` with `RENAME_EXCHANGE`, man 2 rename), which Python does not offer; some file
systems, network file systems among them, do not know it.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

RENAME_EXCHANGE, AT_FDCWD = 2, -100
"""Constants of Linux: exchange instead of replacing; paths are relative to the working directory."""

UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)
"""Errors that say that the system or the file system does not know the call."""


def swap(one: Path, other: Path) -> bool:
    """Exchange what two names stand for; False, and nothing is done, where the system can't.

    Raises:
        OSError: it can, but did not.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    ctypes.set_errno(0)
    if call(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
