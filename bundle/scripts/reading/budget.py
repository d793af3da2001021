"""Memory budget of reading, checked against the header before a voxel is read or memory is allocated.

Reading takes at most `READ_BYTES` for each voxel at its peak, whatever the files hold: HU (2, or 4 where a NIfTI file
does not hold plain int16), the mask of what the scanner saw (1), and either the whole of a multi-frame file (2) or the
slices before they are resampled (3). `benchmarks/reading.py` measures it. The *budget* is a fixed one, so that the same
scan is accepted on every machine that has the memory, and at most what the machine, or the control groups (container)
that the process runs in, have left.
"""

from __future__ import annotations

import numpy as np

from ..findings import refusal
from ..processes.control_groups import group_bytes
from ..processes.memory import available_bytes

READ_BYTES = 6
"""Bytes a voxel at the peak of reading."""

MAX_VOXELS = 2**27
"""The most voxels that are read, a 512 x 512 head of 512 slices: 0.75 GiB while it is read.

Later a run holds HU (2 or 4 bytes), the mask (1), and float32 copies of the scan and of the heatmap on its grid (4
each): up to 1.6 GiB. Of 8 GiB, 6 are left for libraries, registration and network, whatever the size."""

GIB = 2**30
"""Bytes of the unit in messages."""


def check_size(shape: tuple[int, ...]) -> None:
    """Refuse a volume of `shape` that would not fit the memory budget, before anything is allocated.

    Raises:
        InputRefused: `too_large`, with what reading would take and what there is.
    """
    count = int(np.prod([int(n) for n in shape], dtype=object))
    needed, most = count * READ_BYTES, MAX_VOXELS * READ_BYTES
    asks = f"The header asks for {' x '.join(map(str, shape))} voxels, {needed / GIB:.3g} GiB while they are read"
    if needed > most:
        raise refusal("too_large", f"{asks}, over the budget of {most / GIB:.3g} GiB.")
    free = free_bytes()
    if needed > free:
        raise refusal("too_large", f"{asks}, and {max(free, 0) / GIB:.2g} GiB of memory are free.")


def free_bytes() -> int:
    """Memory in bytes that machine and control groups have left for this process."""
    machine, group = available_bytes(), group_bytes()
    return machine if group is None else min(machine, group)
