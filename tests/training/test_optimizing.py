"""The warm-up and the bound of the gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.training.optimizing import careful, steps_of


def moved(optimizer: torch.optim.Optimizer, network: nn.Linear, gradient: float) -> float:
    """How far one step with so large a gradient moves the weight."""
    before = network.weight.detach().clone()
    network.weight.grad = torch.full_like(network.weight, gradient)
    optimizer.step()
    return float((network.weight.detach() - before).abs())


def test_the_rate_rises_linearly_and_is_left_as_the_schedule_set_it() -> None:
    network = nn.Linear(1, 1, bias=False)
    optimizer = careful(torch.optim.Adam(network.parameters(), lr=0.1), 1e9, 4)
    steps = [moved(optimizer, network, 1.0) for _ in range(6)]
    assert steps == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1], rel=1e-3)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_training_that_resumes_warms_up_no_second_time() -> None:
    network = nn.Linear(1, 1, bias=False)
    first = careful(torch.optim.Adam(network.parameters(), lr=0.1), 1e9, 2)
    for _ in range(3):
        moved(first, network, 1.0)
    second = careful(torch.optim.Adam(network.parameters(), lr=0.1), 1e9, 2)
    assert steps_of(second) == 0
    second.load_state_dict(first.state_dict())
    assert steps_of(second) == 3
    assert moved(second, network, 1.0) == pytest.approx(0.1, rel=1e-3)


def test_the_gradient_is_bounded() -> None:
    network = nn.Linear(1, 1, bias=False)
    optimizer = careful(torch.optim.SGD(network.parameters(), lr=0.1), 2.0, 1)
    assert moved(optimizer, network, 1000.0) == pytest.approx(0.2, rel=1e-3)
    assert moved(optimizer, network, 1.0) == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize(("largest", "steps"), [(0.0, 1), (1.0, 0)])
def test_numbers_that_make_no_sense_are_refused(largest: float, steps: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        careful(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1), largest, steps)
