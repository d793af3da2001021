"""Dictionary transforms of the coarse network's training: scans of a drawn head, and random cubes of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.transforms import MapTransform, Randomizable

from ..simulation.anatomy.label_map import Anatomy
from ..simulation.person.varieties import PLAIN
from .heads import DrawHeadd
from .locator_scans import CoarseScan, draw_coarse_head, draw_sample, draw_scan

Data = dict[Hashable, Any]

SCAN_STREAM = 20
"""Stream of random numbers of a head's scans, beside those of `simulation`."""


class DrawScansd(DrawHeadd):
    """Replace the path of an anatomy by scans of a head drawn from it and from `data["seed"]` (a list of `CoarseScan`).

    A scan takes about 2 MB.
    """

    def __init__(self, keys: str, count: int, variety: str = PLAIN) -> None:
        """`count` scans of a head that comes from a population, see `simulation.person.variety`."""
        super().__init__(keys, variety)
        self.count = count

    def drawn(self, anatomy: Anatomy, seed: int) -> list[CoarseScan]:
        """So many scans of one head."""
        head = draw_coarse_head(anatomy, seed, self.variety)
        rng = np.random.default_rng([seed, SCAN_STREAM])
        return [draw_scan(head, rng) for _ in range(self.count)]


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
