"""The memory of a training: what it holds at once shows, whatever was held before does not."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine

from scripts.processes.memory import MACHINE, MB
from scripts.training.memory import PROCESS_MEMORY, batch_bytes, training_peak

CPU = torch.device("cpu")


def holding(megabytes: int) -> Any:
    """A maker of trainers that hold so much in the second iteration, and half of it in the first."""

    def make(batches: list[Any]) -> Engine:
        def step(engine: Engine, batch: Any) -> None:
            block = np.ones(megabytes * MB // (3 - engine.state.iteration), np.uint8)
            assert block[0] == 1

        engine = Engine(step)
        run = engine.run
        engine.run = lambda: run(batches, max_epochs=1)  # type: ignore[assignment, method-assign]
        return engine

    return make


@pytest.mark.skipif(not MACHINE.exists(), reason="the system does not let a peak begin anew")
def test_what_an_iteration_holds_counts_and_what_was_held_before_does_not() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        measure, megabytes = fresh.submit(peak_of_128_and_20).result()
    assert measure == PROCESS_MEMORY
    assert 140 <= megabytes <= 170, "128 in the iteration and 20 of the batch"


def peak_of_128_and_20() -> tuple[str, float]:
    """How the peak was measured, and the MB, in a process that held 300 MB before and holds 100 more throughout."""
    np.ones(300 * MB, np.uint8).sum()
    other = np.ones(100 * MB, np.uint8)
    batch = {"image": torch.ones(20 * MB, dtype=torch.uint8), "name": "x"}
    peak = training_peak(holding(128), batch, 2, CPU)
    assert other[0] == 1
    return peak.measure, peak.memory_bytes / MB


def test_a_batch_is_its_tensors() -> None:
    assert batch_bytes({"image": torch.zeros(2, 3), "label": torch.zeros(5, dtype=torch.int16), "case": "a"}) == 34


def test_one_iteration_is_too_few() -> None:
    with pytest.raises(ValueError, match="it takes 2 iterations to see what a training holds, got 1"):
        training_peak(holding(1), {}, 1, CPU)
