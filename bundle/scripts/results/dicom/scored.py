"""The subjects of the report, on the source slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from highdicom import sr
from numpy.typing import NDArray

from .codes import DEVIATIONS, UNITS
from .identity import MODEL, Identity
from .places import Place
from .source import Source


@dataclass(frozen=True, eq=False)
class Scored:
    """The reported data; the arrays are (S, rows, columns) on the source slices.

    Attributes:
        result: as in result.json.
        values: the map.
        regions: the labels of the regions.
        places: what is marked; without regions whose marked voxels lie between the source slices, all of them.
        numbers: the number of each voxel's place, 0 elsewhere.
    """

    source: Source
    identity: Identity
    result: Mapping[str, Any]
    values: NDArray[np.float32]
    regions: NDArray[np.uint8]
    places: Sequence[Place]
    numbers: NDArray[np.uint8]

    def unit(self, region: str) -> sr.CodedConcept:
        """The unit of the map and the scores in a region; an unrolled skull has one of its own."""
        details = self.result["score_details"].get("skull", {})
        own = region == "skull" and self.result["map"] == "calibrated" and "skull_score" in details
        return DEVIATIONS if own else UNITS[self.result["map"]]

    def algorithm(self) -> sr.AlgorithmIdentification:
        """The algorithm that made the numbers: the bundle and its version."""
        return sr.AlgorithmIdentification(MODEL, self.identity.version)

    def whole_algorithm(self) -> sr.AlgorithmIdentification:
        """The same with its weights and settings, which stand in the report once."""
        parameters = [f"{name} = {value}" for name, value in self.identity.parameters.items()]
        return sr.AlgorithmIdentification(MODEL, self.identity.version, parameters)
