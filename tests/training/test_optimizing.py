"""The warm-up and the bound of the gradient, in a trainer as MONAI makes it."""

from __future__ import annotations

import pytest
import torch
from monai.engines import SupervisedTrainer
from torch import nn

from scripts.training.optimizing import BoundGradient, WarmUp


def trained(handlers: list[object], network: nn.Linear, optimizer: torch.optim.Optimizer, rates: list[float]) -> None:
    """Six iterations in two epochs; the rates of each are noted."""
    batch = {"image": torch.ones(2, 3), "label": 1000 * torch.ones(2, 1)}
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=2,
        train_data_loader=[batch] * 3,
        network=network,
        optimizer=optimizer,
        loss_function=nn.MSELoss(),
        train_handlers=handlers,
    )
    from ignite.engine import Events

    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: rates.append(optimizer.param_groups[0]["lr"]))
    trainer.run()


def test_the_rate_rises_linearly_and_then_stays() -> None:
    network = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    rates: list[float] = []
    trained([WarmUp(optimizer, 4)], network, optimizer, rates)
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])


def test_a_step_is_no_longer_than_the_bound_allows() -> None:
    network = nn.Linear(3, 1)
    before = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    trained([BoundGradient(network, 2.0)], network, optimizer, [])
    after = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
    assert (after - before).norm() <= 6 * 0.1 * 2.0 + 1e-5
    assert (after - before).norm() > 1


def test_numbers_that_make_no_sense_are_refused() -> None:
    network = nn.Linear(1, 1)
    with pytest.raises(ValueError, match="at least one iteration"):
        WarmUp(torch.optim.SGD(network.parameters(), lr=0.1), 0)
    with pytest.raises(ValueError, match="must be positive"):
        BoundGradient(network, 0.0)
