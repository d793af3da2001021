"""From blocks of a registered scan to its evidence: the density network over the head, and the density by place.

What the field of view cuts off is background to the network, as air is: a cut through the head would be a surprise. So
places whose largest receptive field reaches beyond the cut have no evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ..networks.density import FIELDS_MM, DensityPositionNet
from ..networks.inferers import EvidenceInferer
from ..preprocessing.blocks import PLACE_STEP, at_places
from ..preprocessing.transforms import load_regions
from .density import density_at_places
from .parts import Evidence

Mask = NDArray[np.bool_]


class MeasureEvidence:
    """Measures the evidence of scans by a density network; the weights are loaded at the first one."""

    def __init__(
        self,
        network: DensityPositionNet,
        weights: str,
        inferer: EvidenceInferer,
        intensity: Callable[[dict[str, Any]], dict[str, Any]],
        device: str | torch.device = "cpu",
        reference_regions: str | None = None,
    ) -> None:
        """Measure by a network.

        Args:
            network: without its weights.
            weights: path of the weights.
            inferer: asks it about every place of the head.
            intensity: the transform from {"image": blocks} to the network's inputs.
            device: where the network runs.
            reference_regions: path of the reference's regions, which tell what a cut takes; None if nothing is cut.
        """
        self.network, self.weights, self.inferer, self.intensity = network, weights, inferer, intensity
        self.device, self.loaded, self.reference_regions = torch.device(device), False, reference_regions

    def __call__(self, blocks: Tensor, regions: NDArray[np.uint8], validity: NDArray[Any] | None = None) -> Evidence:
        """The evidence of shifted blocks (1, 127, 127, 127) in HU of a scan.

        Args:
            blocks: of the scan.
            regions: its labels (256, 256, 256).
            validity: (256, 256, 256), not 0 in the field of view; None if all of it is.

        Raises:
            FileNotFoundError: there are no weights.
            RuntimeError: the weights are of another network.
        """
        plain = torch.as_tensor(blocks).cpu()
        inputs = torch.as_tensor(self.intensity({"image": plain})["image"])
        said: Any = self.inferer(inputs[None], self.ready())[0]  # which moves them to the network
        found = torch.as_tensor(said).cpu().numpy()
        if validity is not None and self.reference_regions is not None:
            unseen = unseen_head(validity, load_regions(self.reference_regions))
            found[:, beside_cut(at_places(unseen))] = np.nan
        density = density_at_places(plain[0].numpy(), at_places(regions))
        return replace(Evidence.of(found, density), inference=said.meta["inference"])

    def ready(self) -> DensityPositionNet:
        """The network, loaded, on its device."""
        if not self.loaded:
            self.network.load_state_dict(torch.load(self.weights, map_location="cpu", weights_only=True))
            self.network.eval().to(self.device)
            self.loaded = True
        return self.network


def beside_cut(unseen: Mask) -> Mask:
    """Places (64, 64, 64) whose largest receptive field reaches what is not seen, a mask of the same shape."""
    if not unseen.any():
        return unseen
    return np.asarray(PLACE_STEP * ndimage.distance_transform_edt(~unseen) <= FIELDS_MM[-1] / 2)


def unseen_head(validity: NDArray[np.generic], reference: NDArray[np.uint8]) -> Mask:
    """Mask of what a head has, by the reference's regions (256, 256, 256), and the field of view does not hold.

    `validity` (256, 256, 256) is not 0 in the field of view.
    """
    return np.asarray((validity == 0) & (reference > 0))
