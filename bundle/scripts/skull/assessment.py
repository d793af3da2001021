"""Findings on a skull: its scores, the strongest line with its ends and length, the deepest dent, and the holes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..statistics.auroc import percentile_among
from .atlas import atlas
from .calibration import Peak, image_of, peaks_of, score
from .directions import Array, Index
from .files import CLASSES, Calibration
from .holes import DEFECT_MM
from .measure import MAPS, Skull, measure, start_of
from .paths import Trace, trace


@dataclass(frozen=True, eq=False)
class Assessment:
    """A skull beside healthy ones.

    Attributes:
        skull: what was measured.
        scores: standardised peak of each map, and "score", the largest of them.
        percentile: of the score among healthy scans of the class of slices.
        peaks: the peak of each map.
        line: the strongest line, followed to its ends.
    """

    skull: Skull
    scores: dict[str, float]
    percentile: float
    peaks: dict[str, Peak]
    line: Trace

    @property
    def numbers(self) -> dict[str, float]:
        """Scores by name, the length of the strongest line, and the diameter of the largest hole, mm."""
        named = {f"skull_{name}": round(value, 3) for name, value in self.scores.items()}
        hole = self.skull.holes[0].diameter_mm if self.skull.holes else 0.0
        sizes = {"line_mm": round(self.line.length_mm, 1), "hole_mm": round(hole, 1)}
        return {**named, "skull_percentile": round(self.percentile, 1), **sizes}

    @property
    def ends_mm(self) -> Array:
        """Both ends (2, 3) of the strongest line, reference mm."""
        ends: Index = self.line.places[[0, -1]]
        return np.asarray(self.skull.surface.points_mm[ends])

    @property
    def defect(self) -> bool:
        """True if a hole is as wide as surgery or a defect leaves it."""
        return bool(self.skull.holes) and self.skull.holes[0].diameter_mm >= DEFECT_MM


def assess(hu: NDArray[Any], affine: Array, matrix: Array, calibration: Calibration) -> Assessment:
    """The skull of a scan (see `measure.measure`) beside the healthy ones of a calibration.

    Raises:
        ValueError: hardly any of the calvaria is there.
    """
    tables, skull = atlas(), measure(hu, affine, matrix, calibration.usual_mm)
    name = CLASSES[int(skull.thick)]
    usual = calibration.classes[name]
    peaks = peaks_of(image_of(skull.maps, skull.known, tables), usual.usual)
    scores = {key: usual.standard(key, peaks[key].z) for key in MAPS} | {"score": score(peaks, usual)}
    start, line = start_of(skull, peaks["lines"].place, peaks["lines"].row, tables)
    found = trace(skull.relative, tables.steps, start, line, skull.surface.points_mm)
    percentile = percentile_among(scores["score"], calibration.healthy[name])
    return Assessment(skull, scores, percentile, peaks, found)
