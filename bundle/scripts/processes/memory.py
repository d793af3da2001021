"""Memory of a process for a piece of work, as the operating system counts it.

The *resident memory* of a process is the part of its memory in RAM; its *peak* is the largest value since the process
began or, on Linux, since `restart_peak`. A *budget* is the most that the process may allocate; an allocation beyond it
raises an error, instead of bringing down other programs on the machine. Linux tells its memory in files; elsewhere
psutil asks the system.

glibc maps each large block anew and unmaps it when it is freed, so each activation of a network costs page faults. With
higher thresholds the process keeps the memory between layers (measured for the dense network: 1.5 to 2 times faster).
Nothing is changed for another C library, or if the user has set glibc's own environment variables.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import sys
from pathlib import Path
from typing import Any

MB = 2**20
"""Bytes that are called a megabyte here, as by `nvidia-smi`."""

PROCESS, MACHINE = Path("/proc/self"), Path("/proc/meminfo")
"""Files in which Linux describes the process and the machine."""

KEPT_FREE_SHARE = 0.1
"""Share of the memory that is available now which a budget leaves to others."""


def resident_bytes() -> int:
    """Resident memory of this process after unused memory was given back."""
    gc.collect()
    give_back_free_memory()
    return _field(PROCESS / "status", "VmRSS") or int(_process().memory_info().rss)


def restart_peak() -> bool:
    """Restart the peak from the present resident memory; True if the system can (Linux only)."""
    try:
        (PROCESS / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_bytes() -> int:
    """Largest resident memory of this process so far, or since `restart_peak`."""
    if peak := _field(PROCESS / "status", "VmHWM"):
        return peak
    try:
        import resource
    except ImportError:  # on Windows, where psutil tells it
        return int(_process().memory_info().peak_wset)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def available_bytes() -> int:
    """Memory in bytes that the machine could give to a process now."""
    if (known := _field(MACHINE, "MemAvailable")) is not None:
        return known
    import psutil

    return int(psutil.virtual_memory().available)


def set_budget() -> int | None:
    """Limit further allocations of this process to the larger part of the available memory.

    Returns:
        The budget in bytes; None where the system has no such limit (all but Linux), and nothing is limited.
    """
    held = _field(PROCESS / "status", "VmData")
    if held is None:
        return None
    import psutil

    budget = round((1 - KEPT_FREE_SHARE) * available_bytes())
    _, hard = _process().rlimit(psutil.RLIMIT_DATA)
    wanted = held + budget
    _process().rlimit(psutil.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))
    return budget


def _process() -> Any:
    """This process, as psutil sees it; it is imported only where the files of Linux do not tell."""
    import psutil

    return psutil.Process()


def _field(path: Path, name: str) -> int | None:
    """The value in bytes of a line `name:  123 kB`; None where there is none."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(values[0]) * 1024 if values else None


M_TRIM_THRESHOLD = -1
"""glibc's number (malloc.h) for the free memory at the top of the heap above which it is given back."""

M_MMAP_THRESHOLD = -3
"""glibc's number (malloc.h) for the block size from which on blocks are mapped."""

THRESHOLD_BYTES = 1 << 30
"""Larger than any activation at the default tile sizes."""

SMALL_BLOCK_BYTES = 1 << 17
"""glibc's own threshold before it adapts it to what was freed."""

USER_SETTINGS = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Environment variables with which a user has already decided."""


@functools.cache
def _c_library() -> ctypes.CDLL | None:
    """The process's C library if it is glibc."""
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None


def keep_large_blocks() -> bool:
    """Raise glibc's thresholds for the rest of the process; whether that was done."""
    library = _c_library()
    if library is None or any(name in os.environ for name in USER_SETTINGS):
        return False
    return bool(
        library.mallopt(M_MMAP_THRESHOLD, THRESHOLD_BYTES) and library.mallopt(M_TRIM_THRESHOLD, THRESHOLD_BYTES)
    )


def return_large_blocks() -> bool:
    """Undo `keep_large_blocks`: from now on freed memory leaves the process at once. True if that was done.

    Work gets slower, but the memory held is the memory in use, and hence reproducible.
    """
    library = _c_library()
    if library is None or any(name in os.environ for name in USER_SETTINGS):
        return False
    return bool(
        library.mallopt(M_MMAP_THRESHOLD, SMALL_BLOCK_BYTES) and library.mallopt(M_TRIM_THRESHOLD, SMALL_BLOCK_BYTES)
    )


def give_back_free_memory() -> None:
    """Return unused memory of the allocator to the system."""
    library = _c_library()
    if library is not None:
        library.malloc_trim(0)
