"""Findings on a skull: its score and the parts of it, its detections, and the holes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..statistics.alpha import ALPHA
from ..statistics.auroc import percentile_among, threshold_at_specificity
from ..statistics.standing import Standing, standing
from .atlas import atlas
from .calibration import Peak, fine_unusual, image_of, peaks_of, score
from .detections import Detection, detections
from .directions import Array
from .files import CLASSES, Calibration
from .holes import DEFECT_MM, Hole
from .measure import MAPS, Skull, measure, start_of
from .motion import MOVED_MM
from .paths import Trace, trace
from .surface import SkullNotJudged


@dataclass(frozen=True, eq=False)
class Assessment:
    """A skull beside healthy ones.

    Attributes:
        skull: what was measured.
        scores: standardised peak of each map, and "score", the largest of them.
        threshold: the score that 1 - alpha of the healthy scans of the class of slices do not exceed.
        percentile: of the score among these.
        healthy: scores (n,) of these.
        standing: how many of these have a lower score, with the interval of their share.
        peaks: the peak of each map.
        line: the strongest line, followed to its ends.
        values: how unusual each fine place (n,) is in any map, in the unit of the score; 0 if not at all, or unknown.
        detections: the places above the threshold, the most unusual one first.
        alpha: the share of healthy scores above the threshold.
    """

    skull: Skull
    scores: dict[str, float]
    threshold: float
    percentile: float
    healthy: Array
    standing: Standing
    peaks: dict[str, Peak]
    line: Trace
    values: Array
    detections: list[Detection]
    alpha: float = ALPHA

    @property
    def numbers(self) -> dict[str, float]:
        """Scores by name, the length of the strongest line, the diameter of the largest noted hole, and motion, mm."""
        named = {f"skull_{name}": round(value, 3) for name, value in self.scores.items()}
        hole = self.defects[0].diameter_mm if self.defects else 0.0
        sizes = {"line_mm": round(self.line.length_mm, 1), "hole_mm": round(hole, 1)}
        sizes |= {"motion_mm": round(self.skull.motion_mm, 2)}
        limits = {"skull_percentile": round(self.percentile, 1), "skull_threshold": round(self.threshold, 3)}
        return {**named, **limits, "skull_healthy_scores": self.standing.healthy, **sizes}

    @property
    def ends_mm(self) -> Array:
        """Both ends (2, 3) of the strongest line, reference mm."""
        return np.asarray(self.skull.surface.points_mm[self.line.places[[0, -1]]])

    @property
    def defects(self) -> list[Hole]:
        """The holes that are as wide as a burr hole, surgery or a defect leaves them, the largest first."""
        return [hole for hole in self.skull.holes if hole.noted]

    @property
    def moved(self) -> bool:
        """True if slices are displaced against their neighbours: the patient moved."""
        return self.skull.motion_mm >= MOVED_MM

    @property
    def defect(self) -> bool:
        """True if a hole is too wide for a burr hole: surgery or a defect."""
        return bool(self.defects) and self.defects[0].diameter_mm >= DEFECT_MM


def assess(
    hu: NDArray[Any],
    affine: Array,
    matrix: Array,
    calibration: Calibration,
    widest_gap_mm: float = 0.0,
    alpha: float = ALPHA,
) -> Assessment:
    """The skull of a scan (see `measure.measure`) beside the healthy ones of a calibration, with a threshold by alpha.

    Raises:
        SkullNotJudged: too little of the calvaria is there, or nothing to compare it with.
    """
    tables, skull = atlas(), measure(hu, affine, matrix, calibration.usual_mm, widest_gap_mm)
    name = CLASSES[int(skull.thick)]
    if name not in calibration.classes:
        raise SkullNotJudged(f"The calibration has no healthy scans in {name} slices.")
    usual, healthy = calibration.classes[name], calibration.healthy[name]
    image = image_of(skull.maps, skull.known, tables)
    peaks = peaks_of(image, usual.usual)
    scores = {key: float(usual.standard(key, peaks[key].z)) for key in MAPS} | {"score": score(peaks, usual)}
    start, line = start_of(skull, peaks["lines"].place, peaks["lines"].row, tables)
    found = trace(skull.relative, tables.steps, start, line, skull.surface.points_mm)
    threshold, percentile = threshold_at_specificity(healthy, 1 - alpha), percentile_among(scores["score"], healthy)
    unusual = {key: usual.standard(key, fine_unusual(skull.fine[key], image, key, usual.usual, tables)) for key in MAPS}
    values = np.maximum(np.max([values.max(axis=0) for values in unusual.values()], axis=0), 0)
    listed = detections(skull, unusual, threshold, tables)
    stands = standing(scores["score"], healthy)
    return Assessment(skull, scores, threshold, percentile, healthy, stands, peaks, found, values, listed, alpha)
