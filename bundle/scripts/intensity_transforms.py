"""Dictionary transforms from HU to network input; what they compute is in `intensity`.

Both take a registered scan (1, I, J, K) in HU whose background is air; they give values from 0 to 1, background 0.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from torch import Tensor

from .intensity import BONE_WINDOW_HU, BRAIN_WINDOW_HU, equalize_histogram, windows


def _with_meta(values: Tensor, image: Tensor) -> Tensor:
    """Values with the metadata, and the record of transforms, of the image they were made from."""
    return MetaTensor(values).copy_meta_from(image) if isinstance(image, MetaTensor) else values


class ScaleWindowsd(MapTransform):
    """One channel per window (W, I, J, K): brain and bone window unless told otherwise."""

    def __init__(self, keys: str, windows_hu: Sequence[Sequence[float]] = (BRAIN_WINDOW_HU, BONE_WINDOW_HU)) -> None:
        super().__init__(keys)
        self.windows_hu = windows_hu

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale each key."""
        scaled = dict(data)
        for key in self.key_iterator(scaled):
            scaled[key] = _with_meta(windows(torch.as_tensor(scaled[key]), self.windows_hu), scaled[key])
        return scaled


class EqualizeHistogramd(MapTransform):
    """Histogram equalisation inside the foreground (1, I, J, K), as published."""

    def __init__(self, keys: str, foreground_key: str = "foreground") -> None:
        super().__init__(keys)
        self.foreground_key = foreground_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Equalise each key; without a mask every voxel counts."""
        equalised = dict(data)
        mask = equalised.get(self.foreground_key)
        inside = None if mask is None else torch.as_tensor(mask)
        for key in self.key_iterator(equalised):
            values = equalize_histogram(torch.as_tensor(equalised[key]), inside)
            equalised[key] = _with_meta(values, equalised[key])
        return equalised
