"""Dictionary transforms from a reconstruction to the maps of the published autoencoder; see `reconstructions`.

They stand where those of a position network stand: `ResidualMapd` for `ErrorMapd`, `FilterResiduald` for `AnomalyMapd`.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform
from numpy.typing import NDArray
from torch import Tensor

from .maps import SIZE, filtered, residual_percent

Data = dict[Hashable, Any]


class ResidualMapd(MapTransform):
    """Make the residual (1, I, J, K) of a reconstruction, under `error_key`.

    What the inferer says about its work in `meta["inference"]` goes to `inference_key`: `Invertd` drops it later.
    """

    def __init__(
        self,
        keys: str,
        image_key: str = "image",
        foreground_key: str = "foreground",
        error_key: str = "error_map",
        inference_key: str = "inference",
    ) -> None:
        """Compare `keys` (the reconstruction) with what the network saw under `image_key`, inside the head."""
        super().__init__(keys)
        self.image_key, self.foreground_key = image_key, foreground_key
        self.error_key, self.inference_key = error_key, inference_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the residual, with the metadata of the reconstruction."""
        mapped = dict(data)
        grey, inside = (_array(mapped[key]) for key in (self.image_key, self.foreground_key))
        for key in self.key_iterator(mapped):
            made = mapped[key]
            mapped[self.error_key] = _like(residual_percent(grey, _array(made), inside > 0), made)
            if isinstance(made, MetaTensor) and "inference" in made.meta:
                mapped[self.inference_key] = made.meta["inference"]
        return mapped


class FilterResiduald(MapTransform):
    """Make the heatmap, the filtered residual (1, I, J, K), which replaces the reconstruction.

    Adds what results and scores say of a map: `map`, `thresholds` and `calibration_findings`.
    """

    def __init__(self, keys: str, size: int = SIZE, regions_key: str = "regions", error_key: str = "error_map") -> None:
        """Replace `keys`; the filters have `size` voxels a side, the residual lies under `error_key`."""
        super().__init__(keys)
        self.size, self.regions_key, self.error_key = size, regions_key, error_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Replace each key by the heatmap, with the metadata of the residual."""
        judged = dict(data)
        residual, regions = judged[self.error_key], _array(judged[self.regions_key]).astype(np.uint8)
        for key in self.key_iterator(judged):
            judged[key] = _like(filtered(_array(residual), regions, self.size), residual)
            judged |= {"map": "reconstruction", "thresholds": None, "calibration_findings": []}
        return judged


def _array(tensor: Tensor) -> NDArray[Any]:
    """A tensor (1, I, J, K) as an array (I, J, K)."""
    values: NDArray[Any] = torch.as_tensor(tensor)[0].detach().cpu().numpy()
    return values


def _like(values: NDArray[Any], made: Tensor) -> Tensor:
    """An array (I, J, K) as a tensor (1, I, J, K) with another one's metadata."""
    tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None]
    return MetaTensor(tensor).copy_meta_from(made) if isinstance(made, MetaTensor) else tensor
