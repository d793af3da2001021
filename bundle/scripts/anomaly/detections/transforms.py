"""MONAI dictionary transform: the lesion in each unusual place of the brain, with its name and size."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import MapTransform

from ...assets import beside
from ...preprocessing.transforms import Data, as_array, load_regions
from .atlas import NAMES_NAME, Atlas, read_names
from .lesion import Scan
from .rows import lesions, on_scan, rows


@lru_cache(maxsize=2)
def load_atlas(path: str) -> Atlas:
    """The atlas in a file, with the names beside it, read once a process.

    Raises:
        FileNotFoundError: it or its names are not there.
        ValueError: the names are of another form.
    """
    return Atlas(load_regions(path), read_names(Path(beside(path, NAMES_NAME))))


class DescribeDetectionsd(MapTransform):
    """Find the lesion in each of `brain_places`, in the scan's HU.

    `keys` is the scan on its own grid, (1, I, J, K) in HU with its affine. Adds `detections` (rows, see `rows`) and
    `detection_labels`: the rank of each detection, uint8 (1, I, J, K) on the scan's grid, 0 elsewhere.
    """

    def __init__(self, keys: str, atlas: str, regions_key: str = "regions", registered_key: str = "image") -> None:
        """Describe places in `keys`; `regions_key` are the labels on the reference grid, `atlas` the file of names."""
        super().__init__(keys)
        self.atlas, self.regions_key, self.registered_key = atlas, regions_key, registered_key

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Add rows and labels."""
        described = dict(data)
        for key in self.key_iterator(described):
            values, places = described[key], described.get("brain_places", [])
            affine = torch.as_tensor(values.affine, dtype=torch.float64)
            labels, listed = np.zeros(tuple(values.shape[1:]), np.uint8), []
            if places:
                registration = described[self.registered_key].meta["registration"]
                matrix = np.asarray(registration["matrix"], dtype=np.float64)
                hu = torch.as_tensor(values)[0].cpu().numpy()
                scan = Scan(hu, affine.numpy(), matrix, as_array(described[self.regions_key]))
                found, ranks = lesions(places, scan)
                listed, labels = rows(found, scan, load_atlas(self.atlas)), on_scan(ranks, scan)
            described |= {"detections": listed}
            described["detection_labels"] = MetaTensor(torch.from_numpy(labels)[None], affine=affine)
        return described
