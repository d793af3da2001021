"""Memory of a training: a few iterations of its own trainer, on one batch that is ready.

The *training memory* is everything that a training holds at once on its device: weights, gradients, the optimizer's
state, the batch, what each layer keeps for the backward pass, and what libraries need meanwhile. On a GPU it is the
largest amount that PyTorch had allocated ("CUDA peak"). On a CPU it is the process's largest resident memory during the
iterations, minus the memory before network, optimizer and batch were made ("process memory"). During this measurement
freed memory goes back to the system at once: iterations are slower, but the memory held is the memory in use. Reading
scans and drawing heads, which workers do, is left out of both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from ignite.engine import Engine
from torch import Tensor

from ..processes.memory import peak_bytes, resident_bytes, restart_peak, return_large_blocks

Batch = Mapping[Hashable, Any]
"""A batch of the trainer's data loader."""

CUDA_PEAK, PROCESS_MEMORY = "CUDA peak", "process memory"
"""The two ways to measure the memory."""

FEWEST_ITERATIONS = 2
"""An optimizer has its state from the first step on, so the second iteration is the first to hold everything."""


@dataclass(frozen=True)
class TrainingPeak:
    """Training memory in bytes, and how it was measured."""

    memory_bytes: int
    measure: str


def training_peak(
    make_trainer: Callable[[list[Batch]], Engine], batch: Batch, iterations: int, device: torch.device
) -> TrainingPeak:
    """Run a trainer for some iterations on the same batch.

    Args:
        make_trainer: from the batches of an epoch to a trainer that has not run; network and optimizer are made in it.
        batch: on the CPU.
        iterations: 2 or more.
        device: of the trainer.

    Raises:
        ValueError: fewer than 2 iterations.
        RuntimeError, MemoryError: the memory does not suffice.
    """
    if iterations < FEWEST_ITERATIONS:
        raise ValueError(f"it takes {FEWEST_ITERATIONS} iterations to see what a training holds, got {iterations}")
    before = resident_bytes() - batch_bytes(batch)
    restart_peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    trainer = make_trainer([batch] * iterations)
    return_large_blocks()
    trainer.run()
    if device.type == "cuda":
        return TrainingPeak(torch.cuda.max_memory_allocated(device), CUDA_PEAK)
    return TrainingPeak(peak_bytes() - before, PROCESS_MEMORY)


def batch_bytes(batch: Batch) -> int:
    """Bytes of the tensors of a batch."""
    return sum(value.numel() * value.element_size() for value in batch.values() if isinstance(value, Tensor))
