"""MONAI dictionary transform: the scores of the unrolled skull beside those of the skull region."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.transforms import MapTransform

from .assessment import Assessment, assess
from .files import Calibration, read_calibration

REGION = "skull"
"""Key of the region in `score_details`."""


@lru_cache(maxsize=2)
def load_calibration(path: str) -> Calibration:
    """The calibration in a file, read once per process."""
    return read_calibration(path)


class AssessSkulld(MapTransform):
    """Add the scores of lines, dents and holes of the calvaria to `score_details`; the published score stays.

    `keys` is the scan on its own grid, (1, I, J, K) in HU with its affine; a bone series under `bone_key`, if there is
    one, is assessed in its place, on its own grid. Adds `skull_assessment`, None where there is no calibration or
    hardly a skull, and then adds no scores.
    """

    def __init__(
        self, keys: KeysCollection, calibration: str, registered_key: str = "image", bone_key: str = "bone_scan"
    ) -> None:
        """Assess `keys` by the calibration in a file; the metadata of `registered_key` hold the registration."""
        super().__init__(keys)
        self.calibration, self.registered_key, self.bone_key = calibration, registered_key, bone_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the assessment and its numbers."""
        assessed = dict(data)
        for key in self.key_iterator(assessed):
            scan = assessed.get(self.bone_key, assessed[key])
            found = self._assess(scan, assessed[self.registered_key].meta["registration"]["matrix"])
            assessed["skull_assessment"] = found
            if found is not None:
                details = dict(assessed["score_details"])
                details[REGION] = {**details[REGION], **found.numbers}
                assessed["score_details"] = details
        return assessed

    def _assess(self, scan: Any, matrix: Any) -> Assessment | None:
        """The assessment of a scan with its registration."""
        if not Path(self.calibration).is_file():
            return None
        hu = torch.as_tensor(scan)[0].cpu().numpy()
        affine = np.asarray(scan.affine, dtype=np.float64)
        try:
            return assess(hu, affine, np.asarray(matrix, dtype=np.float64), load_calibration(self.calibration))
        except ValueError:
            return None
