"""Exactness of a network: the format of its numbers, and algorithms that give the same bits each time.

The *precision* is that of a network's convolutions: *float32* is exact to rounding on every device; *bfloat16* (by
autocast) keeps 8 bits of each number's mantissa and is faster where the hardware multiplies it natively (GPUs; CPUs
with AMX). On a GPU, *exact* computing takes algorithms that give the same bits each time, and no TF32. Otherwise
PyTorch's own settings hold, and with `torch.backends.cudnn.benchmark` cuDNN keeps the fastest algorithm.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""Names of the formats."""


def check_precision(precision: str) -> None:
    """Raise ValueError for a name that is not in `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {sorted(PRECISIONS)}, got {precision!r}")


@contextlib.contextmanager
def autocast(device: torch.device, precision: str, exact: bool = True) -> Iterator[None]:
    """Compute in `precision`, exactly or, for training, as fast as PyTorch's settings for cuDNN let it.

    Raises:
        ValueError: the precision is not in `PRECISIONS`.
    """
    check_precision(precision)
    with contextlib.ExitStack() as stack:
        if exact and device.type == "cuda":
            stack.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False))
        stack.enter_context(torch.autocast(device.type, PRECISIONS[precision], enabled=precision != "float32"))
        yield


@contextlib.contextmanager
def one_thread(device: torch.device) -> Iterator[None]:
    """Compute in one thread on a CPU: how oneDNN divides a convolution among threads changes the sums' last bits."""
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
