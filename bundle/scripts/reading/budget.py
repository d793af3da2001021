"""Memory budget of reading, checked against the header before a voxel is read or memory is allocated.

Reading takes at most `READ_BYTES` for each voxel at its peak, whatever the files hold: HU (2, or 4 where a NIfTI file
does not hold plain int16), the mask of what the scanner saw (1), and either the whole of a multi-frame file (2) or the
slices before they are resampled (3). `benchmarks/reading.py` measures it. The *budget* is a fixed one, so that the same
scan is accepted on every machine that has the memory, and at most what the machine, or the control groups (container)
that the process runs in, have left. The registration has voxels of one size, so its memory follows the *extent*: the
sizes in mm of the box along the world axes around a volume.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..findings import refusal
from ..processes.control_groups import group_bytes
from ..processes.memory import available_bytes

READ_BYTES = 6
"""Bytes a voxel at the peak of reading."""

MAX_VOXELS = 2**27
"""The most voxels that are read, a 512 x 512 head of 512 slices: 0.75 GiB while it is read.

Later a run holds HU (2 or 4 bytes), the mask (1), and float32 copies of the scan and of the heatmap on its grid (4
each): up to 1.6 GiB. Of 8 GiB, 6 are left for libraries, registration and network, whatever the size."""

LONGEST_MM, ACROSS_MM, MAX_LITRES = 2500.0, 1200.0, 1000.0
"""The largest extent along any axis, that along the two shorter ones, and the largest box, for which the registration
takes some 6 GiB. A body is 2.2 m long, what scanners show of it is up to 0.8 m across, a head is below 0.6 m."""

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


def check_extent(shape: tuple[int, ...], affine: NDArray[np.float64], code: str) -> None:
    """Refuse a volume of `shape` whose affine (4, 4) to mm gives it an extent that no scan has.

    Raises:
        InputRefused: with `code`, and the extent.
    """
    extent = np.abs(affine[:3, :3]) @ np.array(shape[:3], dtype=np.float64)
    _, across, longest = np.sort(extent)
    if longest > LONGEST_MM or across > ACROSS_MM or np.prod(extent / 100.0) > MAX_LITRES:
        spans = " x ".join(f"{size:.0f}" for size in extent)
        raise refusal(code, f"The scan spans {spans} mm, more than a person does.")


def free_bytes() -> int:
    """Memory in bytes that machine and control groups have left for this process."""
    machine, group = available_bytes(), group_bytes()
    return machine if group is None else min(machine, group)
