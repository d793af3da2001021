"""An optimizer whose steps stay small: its rate warms up over the first steps, and its gradient is bounded.

Both are hooks of the optimizer, so they work in whatever trainer uses it. A training that resumes warms up no second
time: the steps are those that the optimizer's own state counts.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

OptimizerT = TypeVar("OptimizerT", bound=Optimizer)


def careful(optimizer: OptimizerT, largest_gradient: float, warm_up_steps: int) -> OptimizerT:
    """The optimizer, in place, with a bound of the gradient's norm and a rate that rises linearly over so many steps.

    Raises:
        ValueError: the bound or the number of steps is not positive.
    """
    if not largest_gradient > 0 or warm_up_steps < 1:
        raise ValueError(
            "the largest norm of a gradient and the steps of a warm-up must be positive, "
            f"got {largest_gradient} and {warm_up_steps}"
        )
    rates: list[float] = []

    def before(used: Optimizer, *_: Any) -> None:
        parameters = [parameter for group in used.param_groups for parameter in group["params"]]
        nn.utils.clip_grad_norm_(parameters, largest_gradient)
        rates[:] = [group["lr"] for group in used.param_groups]
        part = min(1.0, (steps_of(used) + 1) / warm_up_steps)
        for group in used.param_groups:
            group["lr"] = part * group["lr"]

    def after(used: Optimizer, *_: Any) -> None:
        for group, rate in zip(used.param_groups, rates, strict=True):
            group["lr"] = rate

    optimizer.register_step_pre_hook(before)
    optimizer.register_step_post_hook(after)
    return optimizer


def steps_of(optimizer: Optimizer) -> int:
    """Steps that an optimizer such as Adam has done, by its state."""
    counts = [int(torch.as_tensor(state["step"])) for state in optimizer.state.values() if "step" in state]
    return max(counts, default=0)
