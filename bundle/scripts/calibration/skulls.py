"""The skull's part of a calibration: what the unrolled skull of a healthy scan shows, and the calibration of many.

Thin and thick slices are calibrated apart (`skull.files.CLASSES`). The mean surface that a skull is measured by is kept
from the calibration that ships.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..skull.atlas import atlas
from ..skull.calibration import FEWEST, Image, cross_fitted, image_of
from ..skull.directions import Array
from ..skull.files import CLASSES, Calibration
from ..skull.measure import MAPS, measure
from ..skull.surface import SkullNotJudged
from ..statistics.alpha import ALPHA
from ..statistics.auroc import threshold_at_specificity

FEWEST_SKULLS = 8
"""Fewer healthy skulls of a class of slices make no calibration of it."""


@dataclass(frozen=True, eq=False)
class HealthySkull:
    """A healthy skull as calibration caches it.

    Attributes:
        maps: the map (rows, m), float16, of each name of `skull.measure.MAPS` at pooled places.
        known: (m,) places that the field of view holds.
        thick: the slices are thick ones.
    """

    maps: dict[str, NDArray[np.float16]]
    known: NDArray[np.bool_]
    thick: bool

    def image(self) -> Image:
        """Its maps with their envelopes."""
        return image_of({name: self.maps[name].astype(np.float32) for name in MAPS}, self.known, atlas())


def healthy_skull(
    hu: NDArray[Any], affine: Array, matrix: Array, usual_mm: Array, widest_gap_mm: float = 0.0
) -> HealthySkull | None:
    """The skull of a scan (see `skull.measure.measure`), None if too little of it is in the field of view."""
    try:
        found = measure(hu, affine, matrix, usual_mm, widest_gap_mm)
    except SkullNotJudged:
        return None
    return HealthySkull({name: found.maps[name].astype(np.float16) for name in MAPS}, found.known, found.thick)


def calibrate_skulls(skulls: Sequence[HealthySkull], groups: Sequence[str], usual_mm: Array) -> Calibration:
    """The calibration of healthy skulls of some groups (people, anatomies), by the mean surface they were measured by.

    A class of slices with fewer than `FEWEST_SKULLS` skulls, or with too few outside of a group to score that group by,
    is left out. The scores of the healthy skulls are those by skulls of other groups.
    """
    classes, scores = {}, {}
    for name in CLASSES:
        own = [number for number, skull in enumerate(skulls) if CLASSES[int(skull.thick)] == name]
        of = [groups[number] for number in own]
        if len(own) < FEWEST_SKULLS or len(own) - max(Counter(of).values()) < FEWEST // 2:
            continue
        classes[name], found = cross_fitted([skulls[number].image() for number in own], of)
        scores[name] = np.array(found)
    return Calibration(usual_mm, classes, scores)


def counts_of(calibration: Calibration, groups: Sequence[str]) -> dict[str, int]:
    """The numbers of scans by class of slices, and of groups, that a calibration was made of."""
    return {"groups": len(set(groups)), **{name: len(scores) for name, scores in calibration.healthy.items()}}


def limits_in_words(calibration: Calibration) -> list[str]:
    """A line for each class of slices: the score that 95 % of the healthy skulls do not exceed."""
    lines = []
    for name in CLASSES:
        scores = calibration.healthy.get(name, np.array([]))
        limit = f"{threshold_at_specificity(scores, 1 - ALPHA):.2f}" if scores.size else "too few scans"
        lines.append(f"95 % of the healthy skulls do not exceed: {limit} ({scores.size} scans in {name} slices)")
    return lines
