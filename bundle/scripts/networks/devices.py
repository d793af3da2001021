"""The devices that networks can run on, by the names that a user gives them."""

from __future__ import annotations

import re

from ..errors import WrongUsage

DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
"""Names of devices that can be asked for; they become part of a config."""


def check_device(name: str) -> None:
    """See that there is such a device, `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        WrongUsage: there is not.
    """
    if not name.startswith("cuda"):
        return
    import torch

    count = torch.cuda.device_count()
    if int(name.partition(":")[2] or 0) >= count:
        raise WrongUsage(f"There is no device {name}: PyTorch sees {count} GPUs here. Use cpu, or name no device.")
