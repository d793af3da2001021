"""Training samples of the published network: patches of one head, with their positions (Bieder et al., MIDL 2022).

Patches are drawn uniformly over the positions of the reference grid; those that hold background only are discarded. One
head a sample, so one head an iteration, as published.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import MapTransform, Randomizable
from torch import Tensor

from ..geometry.coordinates import REFERENCE_SIZE
from ..networks.patches import cut, patch_radius

ATTEMPTS = 100
"""Positions tried for each patch: if fewer than one in a hundred shows any head, there is no head."""


class RandPatchesd(MapTransform, Randomizable):
    """Cut `count` random patches (count, C, P, P, P) from a network input whose background is 0.

    Their labels (count, 4, 1, 1, 1), position and weight 1, go to `label_key`.
    """

    def __init__(self, keys: str, count: int, patch_size: int = 31, label_key: str = "label") -> None:
        """Raises ValueError where the patch size is even."""
        super().__init__(keys)
        self.count, self.radius, self.label_key = count, patch_radius(patch_size), label_key
        self.patch_size = patch_size
        self.patches: list[Tensor] = []
        self.centres: list[list[int]] = []

    def randomize(self, volume: Tensor) -> None:
        """Draw `patches` of a volume (C, I, J, K), and the voxels that they are centred on, `centres`.

        Raises:
            ValueError: hardly a patch holds any head.
        """
        self.patches, self.centres = [], []
        for _ in range(ATTEMPTS * self.count):
            centre = [int(self.R.randint(n)) for n in volume.shape[1:]]
            patch = cut(volume, [c - self.radius for c in centre], [self.patch_size] * 3)
            if bool(patch.any()):
                self.patches.append(patch)
                self.centres.append(centre)
            if len(self.patches) == self.count:
                return
        raise ValueError(f"hardly a patch of a volume of shape {tuple(volume.shape)} holds any head: is it empty?")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace each key by its patches, and add their labels."""
        drawn = dict(data)
        for key in self.key_iterator(drawn):
            self.randomize(torch.as_tensor(drawn[key]))
            drawn[key] = torch.stack(self.patches)
            where = torch.cat([torch.tensor(self.centres) / (REFERENCE_SIZE - 1), torch.ones(self.count, 1)], dim=1)
            drawn[self.label_key] = where[:, :, None, None, None]
        return drawn


def joined_patches(
    batch: Mapping[Hashable, Any], device: Any = None, non_blocking: bool = False, **_: Any
) -> tuple[Tensor, Tensor]:
    """Patches (B * count, C, P, P, P) of a batch of heads and their labels (B * count, 4, 1, 1, 1), on a device."""
    image, label = (torch.as_tensor(batch[key]).flatten(0, 1) for key in ("image", "label"))
    return image.to(device, non_blocking=non_blocking), label.to(device, non_blocking=non_blocking)
