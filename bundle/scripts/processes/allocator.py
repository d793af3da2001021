"""How the C library's allocator treats the large activations of a network on a CPU.

glibc maps each large block anew and unmaps it when it is freed, so that every activation costs page faults; with higher
thresholds the process keeps the memory between layers (measured for the dense network: 1.5 to 2 times faster). Where
the C library is another one, or the user has set glibc's own environment variables, nothing is done.
"""

from __future__ import annotations

import ctypes
import functools
import os

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
    """Undo `keep_large_blocks`: from now on what is freed leaves the process at once; whether that was done.

    Work gets slower, but what the process holds is what is in use, and hence the same each time.
    """
    library = _c_library()
    if library is None or any(name in os.environ for name in USER_SETTINGS):
        return False
    return bool(
        library.mallopt(M_MMAP_THRESHOLD, SMALL_BLOCK_BYTES) and library.mallopt(M_TRIM_THRESHOLD, SMALL_BLOCK_BYTES)
    )


def give_back_free_memory() -> None:
    """Return to the system what the allocator has kept and does not need."""
    library = _c_library()
    if library is not None:
        library.malloc_trim(0)
