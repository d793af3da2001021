"""The devices that networks can run on, by the names that a user gives them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import WrongUsage

if TYPE_CHECKING:
    import torch

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


def training_precision(device: torch.device | str) -> str:
    """The precision to train in: "bfloat16" where the device's vector units bear it, else "float32".

    On a CPU without AVX-512, PyTorch's convolutions of bfloat16 take some thirty times as long as those of float32.
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = kind == "cpu" and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return "bfloat16" if native else "float32"
