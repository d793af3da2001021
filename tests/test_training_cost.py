"""The cost of a training: what it holds at once shows, whatever was held before does not."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine

from scripts.process_memory import MACHINE, MB
from scripts.training_cost import PROCESS_MEMORY, batch_bytes, training_cost

CPU = torch.device("cpu")


def holding(megabytes: int, seconds: float = 0.0) -> Any:
    """A maker of trainers that hold so much in each iteration, after a slow first one."""

    def make(batches: list[Any]) -> Engine:
        def step(engine: Engine, batch: Any) -> None:
            block = np.ones(megabytes * MB, np.uint8)
            time.sleep(seconds if engine.state.iteration > 1 else 5 * seconds)
            assert block[0] == 1

        engine = Engine(step)
        run = engine.run
        engine.run = lambda: run(batches, max_epochs=1)  # type: ignore[assignment, method-assign]
        return engine

    return make


@pytest.mark.skipif(not MACHINE.exists(), reason="the system does not let a peak begin anew")
def test_what_an_iteration_holds_counts_and_what_was_held_before_does_not() -> None:
    np.ones(300 * MB, np.uint8).sum()
    other = np.ones(100 * MB, np.uint8)
    batch = {"image": torch.ones(20 * MB, dtype=torch.uint8), "name": "x"}
    cost = training_cost(holding(128), batch, 3, CPU)
    assert other[0] == 1
    assert cost.measure == PROCESS_MEMORY
    assert 140 <= cost.memory_bytes / MB <= 170, "128 in the iteration and 20 of the batch"


def test_the_first_iteration_does_not_count_for_the_time() -> None:
    cost = training_cost(holding(1, seconds=0.05), {}, 4, CPU)
    assert 0.05 <= cost.seconds_per_iteration < 0.2


def test_a_batch_is_its_tensors() -> None:
    assert batch_bytes({"image": torch.zeros(2, 3), "label": torch.zeros(5, dtype=torch.int16), "case": "a"}) == 34


def test_one_iteration_is_too_few() -> None:
    with pytest.raises(ValueError, match="2 iterations or more show what a training holds, got 1"):
        training_cost(holding(1), {}, 1, CPU)
