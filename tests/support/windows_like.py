"""Runs `head-ct-anomaly ARGUMENTS` here without what Windows lacks: `python windows_like.py run ...`.

Modules and calls that are not there; folders that can't be opened; open files that can't be removed or renamed, nor the
folders that they are in; no rename onto a folder; no file of Linux about memory; text files and output in another
encoding than UTF-8. It is no Windows: paths, the console and processes are those of this machine.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ABSENT_MODULES = ("fcntl", "resource", "pwd", "grp")
ABSENT_CALLS = ("fork", "getuid", "geteuid", "register_at_fork", "statvfs", "O_DIRECTORY", "O_CLOEXEC")

UNLINK, RMDIR, OPEN = os.unlink, os.rmdir, os.open


def take_away() -> None:
    """Take away what Windows lacks."""
    free = shutil.disk_usage("/")
    shutil.disk_usage = lambda path: free  # type: ignore[assignment]  # it asks Windows in another way
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    for name in ABSENT_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in ABSENT_CALLS:
        delattr(os, name)
    os.open = no_folder  # type: ignore[assignment]
    for name in ("unlink", "remove", "rmdir", "rename", "replace"):
        setattr(os, name, unless_open(getattr(os, name), onto=name in ("rename", "replace"), new=name == "rename"))
    warnings.filterwarnings("error", category=EncodingWarning, module=r"scripts\.")


def no_folder(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """`os.open`, of files only."""
    if dir_fd is not None or (not isinstance(path, int) and os.path.isdir(path)):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    return OPEN(path, flags, mode)


def unless_open(call: Callable[..., None], onto: bool, new: bool) -> Callable[..., None]:
    """A call of `os` that refuses, as Windows does, files that are open, folders with such files, and targets."""

    def checked(path: Any, *others: Any, **words: Any) -> None:
        place = os.path.abspath(path)
        if any(file == place or file.startswith(f"{place}{os.sep}") for file in open_files()):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
        if onto and os.path.lexists(others[0]) and (new or os.path.isdir(others[0])):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(others[0]))
        call(path, *others, **words)

    return checked


def open_files() -> set[str]:
    """The files that this process has open."""
    found = set()
    for link in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{link}"))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path[:0] = [str(here.parents[1] / "bundle")]
    import_module("monai.bundle")  # with PyTorch: libraries see that this is another system, and use its calls

    take_away()
    from scripts.commands.main import main
    from scripts.processes import control_groups, memory

    memory.PROCESS = memory.MACHINE = control_groups.OWN_GROUPS = control_groups.TREES = Path("/nowhere")
    sys.exit(main(sys.argv[1:]))
