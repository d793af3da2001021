"""Dictionary transforms of the coarse network's training: scans of a drawn head, and random cubes of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.transforms import MapTransform, Randomizable

from ..simulation.anatomy.label_map import Anatomy, load_anatomy
from .locator_scans import draw_coarse_head, draw_sample, draw_scan

Data = dict[Hashable, Any]

SCAN_STREAM = 20
"""Stream of random numbers of a head's scans, beside those of `simulation`."""


class DrawScansd(MapTransform):
    """Replace the path of an anatomy by scans of a head drawn from it and from `data["seed"]` (a list of `CoarseScan`).

    Anatomies are read once and kept, 20 to 40 MB each; a scan takes about 2 MB.
    """

    def __init__(self, keys: str, count: int) -> None:
        super().__init__(keys)
        self.count = count
        self.anatomies: dict[str, Anatomy] = {}

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Draw the head and its scans; the same path and seed give the same ones."""
        drawn = dict(data)
        for key in self.key_iterator(drawn):
            path = str(drawn[key])
            if path not in self.anatomies:
                self.anatomies[path] = load_anatomy(Path(path))
            seed = int(drawn["seed"])
            head = draw_coarse_head(self.anatomies[path], seed)
            rng = np.random.default_rng([seed, SCAN_STREAM])
            drawn[key] = [draw_scan(head, rng) for _ in range(self.count)]
        return drawn


class RandSampled(MapTransform, Randomizable):
    """Cut a random cube out of one of some scans: coarse input and, at `label_key`, its label.

    With `by_seed` the cube follows from `data["seed"]`: the same one each time, for validation.
    """

    def __init__(self, keys: str, size: int, label_key: str = "label", by_seed: bool = False) -> None:
        super().__init__(keys)
        self.size, self.label_key, self.by_seed = size, label_key, by_seed
        self.seed = 0

    def randomize(self, data: Any = None) -> None:
        """Draw the seed of the sample."""
        self.seed = int(self.R.randint(2**31))

    def __call__(self, data: Mapping[Hashable, Any]) -> Data:
        """Cut each key: (4, size, size, size), and the label (4, t, t, t)."""
        cut = dict(data)
        for key in self.key_iterator(cut):
            self.randomize()
            rng = np.random.default_rng(int(cut["seed"]) if self.by_seed else self.seed)
            scan = cut[key][rng.integers(len(cut[key]))]
            cut[key], cut[self.label_key] = draw_sample(scan, rng, self.size)
        return cut
