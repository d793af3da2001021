"""Training within a budget of compute: networks are compared fairly when each got the same CPU time.

The *CPU-seconds* of a training are what its `training_handlers.LearningCurve` counts: those of the trainer's process,
over all runs of a training that was interrupted; what the workers spend on drawing heads, and validations, don't count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ignite.engine import Engine, Events

from .handlers import LearningCurve


class CpuBudget:
    """End a training after the epoch in which its CPU-seconds reach a budget."""

    def __init__(self, curve: LearningCurve, seconds: float | None) -> None:
        """Stop at `seconds` on the curve; None never stops.

        Raises:
            ValueError: the budget is not positive.
        """
        if seconds is not None and not seconds > 0:
            raise ValueError(f"a budget of compute must be positive, got {seconds} s; null means without limit")
        self.curve, self.seconds = curve, seconds

    def attach(self, engine: Engine) -> None:
        """Look at the end of each epoch, and before the first one after a resume."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Stop if the budget is spent; the epoch is still saved."""
        spent = self.curve.spent["cpu_s"]
        engine.state.metrics["cpu_seconds"] = round(spent, 1)
        if self.seconds is not None and spent >= self.seconds:
            engine.terminate()


def with_budget(handlers: Sequence[Any], seconds: float | None) -> list[Any]:
    """The handlers of a training, and a `CpuBudget` right behind the curve that counts, so that it is logged.

    Raises:
        ValueError: there is no `LearningCurve` among the handlers.
    """
    places = [place for place, handler in enumerate(handlers) if isinstance(handler, LearningCurve)]
    if not places:
        raise ValueError("a budget needs a LearningCurve among the handlers, which counts the CPU-seconds")
    behind = places[0] + 1
    return [*handlers[:behind], CpuBudget(handlers[places[0]], seconds), *handlers[behind:]]
