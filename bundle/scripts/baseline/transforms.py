"""Dictionary transforms from a reconstruction to the maps of the published autoencoder; see `maps`.

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

from ..preprocessing.transforms import Data, as_array, with_meta
from .maps import SIZE, filtered, residual_percent


class ResidualMapd(MapTransform):
    """Make the residual (1, I, J, K) of a reconstruction, under `error_map`, from what the network saw (`image`).

    What the inferer says about its work in `meta["inference"]` goes to `inference`: `Invertd` drops it later.
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add the residual, with the metadata of the reconstruction."""
        mapped = dict(data)
        grey, inside = (as_array(mapped[key]) for key in ("image", "foreground"))
        for key in self.key_iterator(mapped):
            made = mapped[key]
            mapped["error_map"] = _like(residual_percent(grey, as_array(made), inside > 0), made)
            if isinstance(made, MetaTensor) and "inference" in made.meta:
                mapped["inference"] = made.meta["inference"]
        return mapped


class FilterResiduald(MapTransform):
    """Make the heatmap, the filtered residual (1, I, J, K), which replaces the reconstruction.

    Adds what results and scores say of a map: `map`, `thresholds` and `calibration_findings`.
    """

    def __init__(self, keys: str, size: int = SIZE) -> None:
        """Replace `keys`; the filters have `size` voxels a side."""
        super().__init__(keys)
        self.size = size

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Replace each key by the heatmap, with the metadata of the residual."""
        judged = dict(data)
        residual, regions = judged["error_map"], as_array(judged["regions"]).astype(np.uint8)
        for key in self.key_iterator(judged):
            judged[key] = _like(filtered(as_array(residual), regions, self.size), residual)
            judged |= {"map": "reconstruction", "thresholds": None, "calibration_findings": []}
        return judged


def _like(values: NDArray[np.float32], made: Tensor) -> Tensor:
    """An array (I, J, K) as a tensor (1, I, J, K) with another one's metadata."""
    return with_meta(torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None], made)
