"""From healthy scans to normatives, and to cross-validated scales and thresholds.

The scans are divided into at most `MOST_FOLDS` *folds*; scans of one *group* (a person, an anatomy) stay together. Each
fold is judged by the normatives of all other folds. The scores of each part's map give its scale (see `anomaly.parts`),
then the parts are joined, and scored together. The normatives that ship are those of all scans.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..anomaly.normative import Normative, NormativeStatistics, features_of, on_grid, scan_maps
from ..anomaly.parts import Evidence, EvidenceNormal, EvidenceSums, PartMaps, at_voxels, joined, part_maps
from ..anomaly.scores import Details, map_scores
from ..preprocessing.regions import WHOLE_COVERAGE
from ..statistics.auroc import threshold_at_specificity

MAP_SMOOTHING_MM = 6.0
"""Standard deviation of the Gaussian that smooths anomaly maps, where nothing else is asked for."""

MOST_FOLDS = 20
"""Beyond this, judging each scan by ever so slightly larger normatives only takes time."""

SCALE_SHARE = 0.8
"""Share of healthy hemispheres that do not exceed the scale of a part; a few with metal would stretch a higher one."""

HEMISPHERES = ("left_hemisphere", "right_hemisphere")

Floats = NDArray[np.float32]

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
        evidence: what the density network and the density say about the places; None without that network.
    """

    residual_mm: NDArray[np.floating]
    asymmetry: NDArray[np.floating]
    inside: NDArray[np.bool_]
    regions: NDArray[np.uint8]
    coverage: dict[str, float]
    stride: int
    evidence: Evidence | None = None

    def features(self) -> NDArray[np.float32]:
        """The features (4, n, n, n) that the normative describes."""
        return features_of(self.residual_mm, self.asymmetry, self.inside, self.stride)


@dataclass(frozen=True, eq=False)
class Normal:
    """The normatives of residual and asymmetry, and of the evidence, where all scans have some."""

    normative: Normative
    evidence: EvidenceNormal | None = None


class Sums:
    """Sums over healthy scans and their mirror images, from which both normatives are made."""

    def __init__(self, scans: Iterable[HealthyScan] = ()) -> None:
        """Of some scans."""
        self.statistics, self.evidence, self.without_evidence = NormativeStatistics(), EvidenceSums(), 0
        for scan in scans:
            self.statistics.add(on_grid(scan.features(), scan.stride), on_grid(scan.inside, scan.stride))
            if scan.evidence is None:
                self.without_evidence += 1
            else:
                self.evidence.add(scan.evidence)

    def add(self, part: Sums) -> None:
        """Add the sums of other scans."""
        self.statistics.sums += part.statistics.sums
        self.evidence.position.sums += part.evidence.position.sums
        self.evidence.density.sums += part.evidence.density.sums
        self.without_evidence += part.without_evidence

    def without(self, part: Sums) -> Sums:
        """The sums less those of some of the scans."""
        left = Sums()
        left.statistics = NormativeStatistics(self.statistics.sums - part.statistics.sums)
        left.evidence = self.evidence.without(part.evidence)
        left.without_evidence = self.without_evidence
        return left

    def finish(self) -> Normal:
        """The normatives.

        Raises:
            ValueError: nothing was added.
        """
        return Normal(self.statistics.finish(), None if self.without_evidence else self.evidence.finish())


def parts_of(scan: HealthyScan, normal: Normal, smoothing_mm: float = MAP_SMOOTHING_MM) -> PartMaps:
    """The error map and the map of each part (n, n, n) of a scan by name, and what is typical of it."""
    maps = scan_maps(scan.residual_mm, scan.asymmetry, scan.inside, normal.normative, scan.stride, smoothing_mm)
    if scan.evidence is None or normal.evidence is None:
        return PartMaps(maps, {})
    found = part_maps(scan.evidence, normal.evidence)
    return PartMaps(maps | {k: at_voxels(v, scan.stride) for k, v in found.maps.items()}, found.typical)


def seen_whole(details: Details, scan: HealthyScan) -> Details:
    """The scores of the regions that the field of view holds whole."""
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


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The scores of each scan, judged by the scans of the other folds, and what joins and compares them.

    `scales` join the parts; `typical` has the largest typical oddity of the scans by part, see `anomaly.parts`.
    """

    details: list[Details]
    scales: dict[str, float]
    typical: dict[str, float]


def held_out(scans: Sequence[HealthyScan], groups: Sequence[str], smoothing_mm: float = MAP_SMOOTHING_MM) -> HeldOut:
    """Every score of each scan by region, judged by the normatives of the scans of the other folds.

    A region that the field of view cuts has none.

    Raises:
        ValueError: all scans are of one group.
    """
    total = Sums(scans)
    maps: list[dict[str, NDArray[np.float16]]] = [{} for _ in scans]
    typical: dict[str, float] = {}
    for fold in folds_of(groups):
        normal = total.without(Sums(scans[index] for index in fold)).finish()
        for index in fold:
            parts = parts_of(scans[index], normal, smoothing_mm)
            maps[index] = {name: values.astype(np.float16) for name, values in parts.maps.items()}
            typical = {name: max(value, typical.get(name, 0.0)) for name, value in parts.typical.items()}
    alone = [seen_whole(map_scores(maps[index], scan.regions), scan) for index, scan in enumerate(scans)]
    scales = scales_of(alone, [name for name in maps[0] if name != "error"])
    found = []
    for scan, own, details in zip(scans, maps, alone, strict=True):
        together = {"calibrated": joined({name: own[name].astype(np.float32) for name in scales}, scales)}
        both = seen_whole(map_scores(together, scan.regions), scan)
        found.append({region: {**numbers, **both[region]} for region, numbers in details.items()})
    return HeldOut(found, scales, typical)


def scales_of(details: Sequence[Details], parts: Sequence[str]) -> dict[str, float]:
    """The scale of each part: the score that 80 % of the healthy hemispheres do not exceed; 1 where there is none."""
    found = {}
    for part in parts:
        numbers = [float(v) for scan in details for region in HEMISPHERES if (v := scan.get(region, {}).get(part))]
        found[part] = round(threshold_at_specificity(numbers, SCALE_SHARE), 4) if numbers else 1.0
    return found
