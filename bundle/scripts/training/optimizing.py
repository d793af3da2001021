"""Handlers of the trainer that keep its steps small: a warm-up of the learning rate, and a bound of the gradient."""

from __future__ import annotations

from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from torch import nn
from torch.optim import Optimizer


class WarmUp:
    """Raise the learning rate linearly over the first iterations of a training, up to what it is set to."""

    def __init__(self, optimizer: Optimizer, iterations: int) -> None:
        """Over so many iterations, no more than an epoch has, since schedulers change the rate between epochs.

        Raises:
            ValueError: the number is not positive.
        """
        if iterations < 1:
            raise ValueError(f"a warm-up takes at least one iteration, got {iterations}")
        self.optimizer, self.iterations = optimizer, iterations
        self.rates: list[float] = []

    def attach(self, engine: Engine) -> None:
        """Look before each iteration."""
        engine.add_event_handler(Events.ITERATION_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set the rates of the first iterations; a training that resumes later is not touched."""
        done = engine.state.iteration
        if done > self.iterations:
            return
        if not self.rates:
            self.rates = [group["lr"] for group in self.optimizer.param_groups]
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * done / self.iterations


class BoundGradient:
    """Scale the gradient down to a largest norm before each step."""

    def __init__(self, network: nn.Module, largest: float) -> None:
        """Raises ValueError unless the norm is positive."""
        if not largest > 0:
            raise ValueError(f"the largest norm of a gradient must be positive, got {largest}")
        self.network, self.largest = network, largest

    def attach(self, engine: Engine) -> None:
        """Look between the backward pass and the step."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Scale."""
        nn.utils.clip_grad_norm_(self.network.parameters(), self.largest)
