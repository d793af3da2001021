"""Crops of a head's blocks for the density network, with places at which it is asked.

A *crop* is a cube of blocks (see `preprocessing.blocks`), around a random block of the head. It is mirrored at random,
and its HU are scaled and shifted a little, as scanners differ. A batch asks at random *places* of its crops that
belong to the head: logits of all places would cost as much as the features.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import MapTransform
from torch import Tensor

from ..geometry.coordinates import POSITION_SCALE_MM
from ..networks.density import FIELDS, STEP
from ..preprocessing.blocks import BLOCK, FIRST_PLACE
from ..volume import AIR_HU
from .heads import RandDenseCropd, ScaledBatch

LARGEST_GAIN, OFFSET_HU = 0.03, 2.0
"""HU are multiplied by 1 plus or minus at most this, and shifted by a normal with this standard deviation."""


class RandBlockCropd(RandDenseCropd):
    """Cut a cube of `size` blocks out of shifted blocks (1, I, J, K), change it at random, and write its label.

    The label (4, t, t, t) has the position of each place, normalised, and its weight: 1 in the head, else 0.
    """

    def __init__(self, keys: str, size: int = 43, label_key: str = "label") -> None:
        """Cubes of an odd number of blocks, at least 17.

        Raises:
            ValueError: the size is another.
        """
        super().__init__(keys, size, FIELDS[-1], STEP, label_key)
        self.mirror, self.gain, self.offset_hu = False, 1.0, 0.0

    def randomize(self, volume: Tensor) -> None:
        """Choose the cube and the changes."""
        super().randomize(volume)
        self.mirror = bool(self.R.random_sample() < 0.5)
        self.gain = 1 + float(self.R.uniform(-LARGEST_GAIN, LARGEST_GAIN))
        self.offset_hu = float(self.R.normal(0, OFFSET_HU))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Crop each key."""
        found = super().__call__(data)
        label = found[self.label_key]
        label[:3] = label[:3] * BLOCK + FIRST_PLACE / POSITION_SCALE_MM
        for key in self.key_iterator(found):
            hu = found[key].float()
            changed = (hu * self.gain + self.offset_hu).round().clamp_min(AIR_HU + 1)
            found[key] = torch.where(hu > AIR_HU, changed, AIR_HU).to(torch.int16)
            if self.mirror:
                found[key] = found[key].flip(1)
        if self.mirror:
            label = label.flip(1)
            label[0] = 1 - label[0]
        found[self.label_key] = label
        return found


class AskedBatch(ScaledBatch):
    """Moves a batch of crops to the trainer's device, scales it, and draws the places at which the network is asked."""

    def __init__(self, intensity: MapTransform, places: int = 2000) -> None:
        """`intensity` as in `ScaledBatch`; at most so many `places` of a batch."""
        super().__init__(intensity)
        self.places = places

    def __call__(  # type: ignore[override]
        self, batch: Mapping[Hashable, Any], device: Any = None, non_blocking: bool = False, **_: Any
    ) -> tuple[Tensor, Tensor, tuple[Tensor], dict[str, Any]]:
        """Inputs (B, C, c, c, c), true positions (n, 3), and the places (n,) as the network's second argument."""
        inputs, label = super().__call__(batch, device, non_blocking)
        flat = label.movedim(1, -1).flatten(0, 3)
        inside = (flat[:, 3] > 0).nonzero()[:, 0]
        chosen = inside[torch.randperm(len(inside), device=inside.device)[: self.places]]
        return inputs, flat[chosen, :3], (chosen,), {}
