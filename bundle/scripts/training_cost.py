"""What a training takes of memory and time: a few iterations of its own trainer, on one batch that is ready.

The *training memory* is everything that a training holds at once on its device: weights, gradients, the optimizer's
state, the batch, what each layer keeps for the backward pass, and what libraries need meanwhile. On a GPU it is the
largest amount that PyTorch had allocated ("CUDA peak"). On a CPU it is the process's largest resident memory during the
iterations, less what the process held before network, optimizer and batch were there ("process memory"). Reading scans
and drawing heads, which workers do, is left out of both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import Tensor

from .process_memory import peak_bytes, resident_bytes, restart_peak

Batch = Mapping[Hashable, Any]
"""What a data loader gives to the trainer."""

CUDA_PEAK, PROCESS_MEMORY = "CUDA peak", "process memory"
"""How the memory was measured."""


@dataclass(frozen=True)
class TrainingCost:
    """Memory in bytes, how it was measured, and the median time of an iteration, the first one left out."""

    memory_bytes: int
    measure: str
    seconds_per_iteration: float


def training_cost(
    make_trainer: Callable[[list[Batch]], Engine], batch: Batch, iterations: int, device: torch.device
) -> TrainingCost:
    """Run a trainer for some iterations on the same batch.

    Args:
        make_trainer: from the batches of an epoch to a trainer that has not run; network and optimizer are made in it.
        batch: on the CPU.
        iterations: 2 or more: an optimizer has its state from the first step on.
        device: of the trainer.

    Raises:
        ValueError: fewer than 2 iterations.
        RuntimeError, MemoryError: the memory does not suffice.
    """
    if iterations < 2:
        raise ValueError(f"2 iterations or more show what a training holds, got {iterations}")
    before = resident_bytes() - batch_bytes(batch)
    restart_peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    trainer, times = make_trainer([batch] * iterations), _Times(device)
    trainer.add_event_handler(Events.ITERATION_STARTED, times.start)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, times.stop)
    trainer.run()
    seconds = statistics.median(times.seconds[1:])
    if device.type == "cuda":
        return TrainingCost(torch.cuda.max_memory_allocated(device), CUDA_PEAK, seconds)
    return TrainingCost(peak_bytes() - before, PROCESS_MEMORY, seconds)


def batch_bytes(batch: Batch) -> int:
    """What the tensors of a batch hold."""
    return sum(value.numel() * value.element_size() for value in batch.values() if isinstance(value, Tensor))


class _Times:
    """Wall time of each iteration."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.seconds, self.began = device, list[float](), 0.0

    def start(self) -> None:
        """An iteration begins."""
        self.began = self._now()

    def stop(self) -> None:
        """It ends."""
        self.seconds.append(self._now() - self.began)

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()
