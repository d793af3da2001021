"""Error messages without patient data, also of errors that the program did not foresee.

The text of an exception can hold anything, such as a path with a name in it, or a header value that a library could not
parse. Three kinds of errors are shown differently. Raised by a `raise` of this package: the text, which holds no
patient data. Raised by the operating system: the reason, without the path. Any other: the type, and with --debug the
lines of code that led to it.
"""

from __future__ import annotations

import dis
import errno
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

OWN = Path(__file__).resolve().parent
"""Folder of this package."""

LONGEST_TEXT = 300
"""Characters of a text that are shown."""


def text_of(error: BaseException) -> str:
    """The text of an error as far as it may be shown, in one line; empty where it may not."""
    text = str(error) if is_our_own(error) else ""
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    return " ".join(text.split())[:LONGEST_TEXT]


def is_our_own(error: BaseException) -> bool:
    """True if a `raise` in this package raised the error, not a library and not Python itself."""
    place = error.__traceback__
    if place is None:
        return False
    while place.tb_next is not None:
        place = place.tb_next
    code = place.tb_frame.f_code
    raised = code.co_code[place.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raised and OWN in Path(code.co_filename).resolve().parents


def described(error: BaseException) -> str:
    """Type and text of an error."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def origin(error: BaseException) -> BaseException:
    """The error that an error comes from in the end."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def debug_text(error: BaseException) -> str:
    """The traceback that Python prints of an unhandled error, with texts only as far as they may be shown."""
    blocks = [
        "".join(["Traceback (most recent call last):\n", *traceback.format_tb(one.__traceback__), described(one), "\n"])
        for one in chain(error)
    ]
    return "\nThis led to the next error:\n\n".join(reversed(blocks))


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those that it comes from, the last one first."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


class WrongUsage(FileNotFoundError):
    """Wrong usage: something that the user named does not exist, or lacks what the command needs."""


REMEDIES = {
    errno.ENOSPC: "Free some space or choose a folder on another disk.",
    errno.EDQUOT: "Free some space or choose a folder on another disk.",
    errno.EROFS: "It is read-only: choose another folder.",
    errno.EACCES: "Choose a folder that you may write to.",
    errno.EPERM: "Choose a folder that you may write to.",
    errno.EBUSY: "Something uses it, a mount for example: choose a new folder inside it.",
}
"""Remedies for errors of the operating system, by error number."""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of the operating system that only writing raises."""


class OutputExists(FileExistsError):
    """The target is there already and must not be replaced."""


class OutputFailed(OSError):
    """The operating system did not let the results be written; nothing is left under the target's name."""


def as_ours(error: OSError, target: Path) -> OSError:
    """The error to show for one of the operating system: action, place and remedy."""
    if isinstance(error, OutputExists):
        return error
    if isinstance(error, BlockingIOError):
        return OutputExists(
            f"Another process writes to {target} at this moment. Wait for it, or choose another folder."
        )
    if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
        return OutputExists(f"{target} was made by something else in the meantime. Choose another folder.")
    remedy = REMEDIES.get(error.errno or 0, "Check the folder and the disk it is on.")
    return OutputFailed(f"The results were not written to {target}: {error.strerror or error}. {remedy}")


def see_output(error: BaseException, target: Path) -> None:
    """See that an error among many jobs is not one of the output, as with a full disk, with which no job can be done.

    Raises:
        OutputFailed: it is; with the place of `target` if the error names none.
    """
    if isinstance(error, OutputFailed):
        raise error
    if full := disk_is_full(error):
        raise as_ours(full, Path(full.filename or target)) from error


def disk_is_full(error: BaseException) -> OSError | None:
    """The error that says that the disk is full, among an error and its causes; PyTorch has words of its own."""
    for cause in chain(error):
        if isinstance(cause, OSError) and cause.errno in FULL:
            return cause
        if isinstance(cause, RuntimeError) and "PytorchStreamWriter failed" in str(cause):
            return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None
