"""From healthy scans to a normative, and to cross-validated thresholds.

The scans are divided into at most `MOST_FOLDS` *folds*; scans of one *group* (a person, an anatomy) stay together. Each
fold is scored with the normative of all other folds. The normative that ships is that of all scans.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..anomaly.normative import Normative, NormativeStatistics, features_of, on_grid, scan_maps
from ..anomaly.scores import Details, map_scores
from ..preprocessing.regions import WHOLE_COVERAGE

MAP_SMOOTHING_MM = 6.0
"""Standard deviation of the Gaussian that smooths anomaly maps, where nothing else is asked for."""

MOST_FOLDS = 20
"""Beyond this, judging each scan by ever so slightly larger normatives only takes time."""

FEWEST_SCANS, RECOMMENDED_SCANS = 8, 40
"""Fewer scans than the first are refused; fewer than the second make rough percentiles."""


@dataclass(frozen=True, eq=False)
class HealthyScan:
    """A healthy scan as calibration caches it, on every `stride`-th voxel of the reference grid.

    Attributes:
        residual_mm: (3, n, n, n) in mm, finite inside.
        asymmetry: (n, n, n) in steps, see `asymmetry`.
        inside: (n, n, n), where the scan shows the head and the network predicted.
        regions: labels (n, n, n), see `regions`.
        coverage: share (0 to 1) of each region that the field of view holds.
        stride: voxels between predictions: 1, 2 or 4.
    """

    residual_mm: NDArray[np.floating]
    asymmetry: NDArray[np.floating]
    inside: NDArray[np.bool_]
    regions: NDArray[np.uint8]
    coverage: dict[str, float]
    stride: int

    def features(self) -> NDArray[np.float32]:
        """The features (4, n, n, n) that the normative describes."""
        return features_of(self.residual_mm, self.asymmetry, self.inside, self.stride)


def sums_of(scans: Iterable[HealthyScan]) -> NormativeStatistics:
    """Sums over scans and their mirror images."""
    statistics = NormativeStatistics()
    for scan in scans:
        statistics.add(on_grid(scan.features(), scan.stride), on_grid(scan.inside, scan.stride))
    return statistics


def scan_scores(scan: HealthyScan, normative: Normative, smoothing_mm: float = MAP_SMOOTHING_MM) -> Details:
    """Every score of a scan by region, judged by a normative; none of a region that the field of view cuts."""
    maps = scan_maps(scan.residual_mm, scan.asymmetry, scan.inside, normative, scan.stride, smoothing_mm)
    details = map_scores(maps, scan.regions)
    return {region: numbers for region, numbers in details.items() if scan.coverage[region] >= WHOLE_COVERAGE}


def folds_of(groups: Sequence[str]) -> list[list[int]]:
    """Indices of the scans of each fold, given the group of each scan; groups stay together.

    Raises:
        ValueError: all scans are of one group, so that none can be judged by others.
    """
    names = list(dict.fromkeys(groups))
    if len(names) < 2:
        raise ValueError(f"all {len(groups)} scans are of one group: take scans of different people.")
    count = min(MOST_FOLDS, len(names))
    fold = {name: number % count for number, name in enumerate(names)}
    return [[i for i, group in enumerate(groups) if fold[group] == number] for number in range(count)]


def held_out_scores(
    scans: Sequence[HealthyScan], groups: Sequence[str], smoothing_mm: float = MAP_SMOOTHING_MM
) -> list[Details]:
    """The scores of each scan, judged by the normative of the scans of the other folds.

    Raises:
        ValueError: all scans are of one group.
    """
    total = sums_of(scans).sums
    found: list[Details] = [{} for _ in scans]
    for fold in folds_of(groups):
        part = sums_of(scans[index] for index in fold).sums
        normative = NormativeStatistics(total - part).finish()
        for index in fold:
            found[index] = scan_scores(scans[index], normative, smoothing_mm)
    return found
