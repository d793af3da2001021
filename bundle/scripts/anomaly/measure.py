"""From blocks of a registered scan to its evidence: the density network over the head, and the density by place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..networks.density import DensityPositionNet
from ..networks.inferers import EvidenceInferer
from ..preprocessing.blocks import at_places
from .density import density_at_places
from .parts import Evidence


class MeasureEvidence:
    """Measures the evidence of scans by a density network; the weights are loaded at the first one."""

    def __init__(
        self,
        network: DensityPositionNet,
        weights: str,
        inferer: EvidenceInferer,
        intensity: Callable[[dict[str, Any]], dict[str, Any]],
        device: str | torch.device = "cpu",
    ) -> None:
        """Measure by a network.

        Args:
            network: without its weights.
            weights: path of the weights.
            inferer: asks it about every place of the head.
            intensity: the transform from {"image": blocks} to the network's inputs.
            device: where the network runs.
        """
        self.network, self.weights, self.inferer, self.intensity = network, weights, inferer, intensity
        self.device, self.loaded = torch.device(device), False

    def __call__(self, blocks: Tensor, regions: np.ndarray[Any, np.dtype[np.uint8]]) -> Evidence:
        """The evidence of shifted blocks (1, 127, 127, 127) in HU of a scan with regions (256, 256, 256).

        Raises:
            FileNotFoundError: there are no weights.
            RuntimeError: the weights are of another network.
        """
        plain = torch.as_tensor(blocks).cpu()
        inputs = torch.as_tensor(self.intensity({"image": plain})["image"])
        found = self.inferer(inputs[None].to(self.device), self._ready())[0].cpu().numpy()
        density = density_at_places(plain[0].numpy(), at_places(regions))
        return Evidence.of(found, density)

    def _ready(self) -> DensityPositionNet:
        """The network, loaded, on its device."""
        if not self.loaded:
            self.network.load_state_dict(torch.load(self.weights, map_location="cpu", weights_only=True))
            self.network.eval().to(self.device)
            self.loaded = True
        return self.network
