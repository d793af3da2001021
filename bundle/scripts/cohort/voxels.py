"""Measures of a heatmap by voxels: how well its values tell lesion voxels from others, over many scans.

Maps are written in steps, so voxels are counted by step (`STEP`), and nothing else of a scan is kept. With a threshold,
a voxel is *found* if its value is above it, as in contours and detections; of the curves, at or above it. Of all
thresholds:

* *average precision*: the sum of precision times gain in recall, as scikit-learn's `average_precision_score`.
* *AUPRO*: the area below the mean overlap of lesions over the false positive rate, up to `MOST_FALSE`, divided by it:
  each lesion counts alike, whatever its size (Bergmann et al., IJCV 129, 2021).
* *Dice*: of all lesion voxels and all found voxels of all scans.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

STEP, LEVELS = 0.01, 2**15
"""Steps of a calibrated heatmap, and their number; what is higher counts as the highest."""

MOST_FALSE = 0.3
"""False positive rate up to which AUPRO is taken, as in most work on anomaly detection."""

Counts = NDArray[np.float64]


def levels_of(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """Values of a map, of any shape, in steps."""
    return np.clip(np.rint(np.asarray(values, dtype=np.float64) / STEP), 0, LEVELS - 1).astype(np.int64)


def counted_levels(levels: NDArray[np.int64]) -> Counts:
    """The numbers of voxels (n,) that have each level, (LEVELS,)."""
    return np.bincount(levels, minlength=LEVELS).astype(np.float64)


def no_counts() -> Counts:
    """Counts of no voxel."""
    return np.zeros(LEVELS)


@dataclass(eq=False)
class VoxelCounts:
    """Voxels of scans by level (LEVELS,): of lesions, of all else, and the mean share of a lesion's.

    `overlaps` is the sum over `lesions` lesions of the share of its voxels; `found`, `missed` and `false` count voxels
    by the thresholds in use.
    """

    inside: Counts = field(default_factory=no_counts)
    outside: Counts = field(default_factory=no_counts)
    overlaps: Counts = field(default_factory=no_counts)
    lesions: int = 0
    found: int = 0
    missed: int = 0
    false: int = 0

    @classmethod
    def of(cls, levels: NDArray[np.int64], lesion: NDArray[np.int32], threshold: float | None) -> VoxelCounts:
        """The counts of a scan: levels (n,), the number of each voxel's lesion (n,), 0 of none, and the threshold."""
        made = cls(counted_levels(levels[lesion > 0]), counted_levels(levels[lesion == 0]))
        for number in np.unique(lesion[lesion > 0]):
            own = counted_levels(levels[lesion == number])
            made.overlaps += own / own.sum()
            made.lesions += 1
        if threshold is not None:
            above = levels * STEP > threshold
            made.found, made.false = int((above & (lesion > 0)).sum()), int((above & (lesion == 0)).sum())
            made.missed = int((~above & (lesion > 0)).sum())
        return made

    def add(self, other: VoxelCounts) -> None:
        """Add the counts of another scan."""
        self.inside, self.outside = self.inside + other.inside, self.outside + other.outside
        self.overlaps, self.lesions = self.overlaps + other.overlaps, self.lesions + other.lesions
        self.found, self.missed = self.found + other.found, self.missed + other.missed
        self.false += other.false

    @property
    def both(self) -> bool:
        """True if there are voxels of lesions and others."""
        return bool(self.inside.any() and self.outside.any())

    def average_precision(self) -> float | None:
        """Average precision; None without both kinds of voxels."""
        if not self.both:
            return None
        true, false = _from_above(self.inside), _from_above(self.outside)
        gain = np.diff(true, prepend=0) / true[-1]
        return float((gain * true / np.maximum(true + false, 1)).sum())

    def auroc(self) -> float | None:
        """AUROC of voxels; None without both kinds."""
        if not self.both:
            return None
        true, false = (np.append(0, _from_above(counts)) for counts in (self.inside, self.outside))
        return _area(true / true[-1], false / false[-1])

    def aupro(self, most: float = MOST_FALSE) -> float | None:
        """AUPRO up to a false positive rate; None without both kinds."""
        if not self.both:
            return None
        overlap = np.append(0, _from_above(self.overlaps)) / self.lesions
        false = np.append(0, _from_above(self.outside) / self.outside.sum())
        kept = false < most
        end = np.interp(most, false, overlap)
        return _area(np.append(overlap[kept], end), np.append(false[kept], most)) / most

    def best_dice(self) -> tuple[float, float] | None:
        """The highest Dice of any threshold, and that threshold; None without both kinds."""
        if not self.both:
            return None
        true, false = _from_above(self.inside), _from_above(self.outside)
        dice = 2 * true / (true + false + true[-1])
        best = int(dice.argmax())
        return float(dice[best]), round((LEVELS - 1 - best) * STEP, 2)

    def dice_in_use(self) -> float | None:
        """Dice by the thresholds in use; None without a lesion or a threshold."""
        if not self.found + self.missed:
            return None
        return 2 * self.found / (2 * self.found + self.missed + self.false)


def _from_above(counts: Counts) -> Counts:
    """The numbers of voxels at or above each level, the highest level first."""
    return np.asarray(counts[::-1].cumsum())


def _area(heights: Counts, places: Counts) -> float:
    """The area below a curve of straight lines."""
    return float(((heights[1:] + heights[:-1]) / 2 * np.diff(places)).sum())


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what is known; None if nothing is."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
