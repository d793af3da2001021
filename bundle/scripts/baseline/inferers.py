"""From a registered head to its reconstruction: a MONAI inferer for the published autoencoder.

Called as `inferer(inputs, network)` with *inputs* (B, 1, I, J, K) in reference space; the network sees a box of them at
once, and the result (B, 1, I, J, K) is NaN outside it. Out of memory, the work moves to the CPU for these
inputs; the result's `meta["inference"]` tells where it was done.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from monai.data.meta_tensor import MetaTensor
from monai.inferers.inferer import Inferer
from torch import Tensor, nn

from ..networks.inferers import attempted
from .maps import box_of


class ReconstructionInferer(Inferer):
    """A network from volumes to volumes of the same shape, on the box from voxel `box_start` up to `box_end`."""

    def __init__(self, box_start: Sequence[int], box_end: Sequence[int]) -> None:
        self.box_start, self.box_end = list(box_start), list(box_end)

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> MetaTensor:
        """Reconstructions (B, 1, I, J, K), on the inputs' device; the network is left in evaluation mode.

        Raises:
            ValueError: the inputs are not (B, 1, I, J, K), or the box does not lie in them.
        """
        if inputs.ndim != 5 or inputs.shape[1] != 1:
            raise ValueError(f"inputs must be (B, 1, I, J, K), got {tuple(inputs.shape)}")
        box = (slice(None), slice(None), *box_of(self.box_start, self.box_end, inputs.shape[2:]))
        volumes = inputs.as_tensor() if isinstance(inputs, MetaTensor) else inputs
        own_device = _device(network)
        made, device = self._reconstructed(volumes[box], network.eval(), own_device)
        whole = torch.full_like(volumes, math.nan, dtype=torch.float32)
        whole[box] = made.to(whole)
        result = MetaTensor(whole)
        if isinstance(inputs, MetaTensor):
            result.copy_meta_from(inputs)
        facts = {"device": str(device), "fallback": device != own_device}
        # What was collated is taken apart item by item: there, each fact is a list.
        result.meta["inference"] = {k: [v] * len(result) for k, v in facts.items()} if result.is_batch else facts
        return result

    @torch.no_grad()
    def _reconstructed(self, volumes: Tensor, network: nn.Module, device: torch.device) -> tuple[Tensor, torch.device]:
        """The answer of a network on a device, where it stays, and where the answer was computed."""
        if device.type == "cpu":
            return network(volumes.cpu()), device
        answer = attempted(lambda: network(volumes.to(device)), device)
        if answer is not None:
            return answer, device
        return copy.deepcopy(network).to("cpu")(volumes.cpu()), torch.device("cpu")


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
