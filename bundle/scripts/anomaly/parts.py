"""The parts of the anomaly map, and the one formula that joins them.

*Position* is the one-sided oddity of what the density network says about each place (`evidence`), *asymmetry* the
left-right difference of density (`asymmetry`, `normative`), *density* how far the density of a place is from that of
healthy scans (`density`), and *one-sided density* what exceeds that of the mirror place. Each part is calibrated by
place. All but the asymmetry are known at the *places*, 4 mm apart; between them they are interpolated linearly.

Parts have scales of their own. The *scale* s of a part is the score that 80 % of healthy hemispheres do not exceed in
it; rarer scores have metal or calcium in them. The anomaly map joins the parts m:

    anomaly = sqrt(sum over parts of (m / s)^2).

A place that a part knows nothing of is judged by the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.coordinates import REFERENCE_SIZE
from ..preprocessing.blocks import FIRST_PLACE, PLACE_STEP, PLACES
from .evidence import Floats, features_of, one_sided, smoothed
from .evidence_normative import BOX, EvidenceNormative, EvidenceStatistics, mirror_signs, oddity

FIELDS_AND_KINDS = 20
"""Numbers of evidence at a place."""

LEAST_KNOWN = 0.5
"""Between places, a part is known where so much of the weight is at places where it is."""


UNLIKE = 1.5
"""A head whose typical oddity is so many times the largest of the healthy heads is unlike all of them."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The evidence of the density network, and the density, at the places of `evidence_normative.BOX`.

    Attributes:
        features: (20, I, J, K), the evidence averaged over its surroundings; NaN where not known.
        density: (I, J, K) in HU; NaN where not known.
        inference: what the inferer says about its work; empty where that is not known.
    """

    features: NDArray[np.floating]
    density: NDArray[np.floating]
    inference: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, evidence: Floats, density: Floats) -> Evidence:
        """From evidence (20, 64, 64, 64), NaN outside the head, and density (64, 64, 64)."""
        found = features_of(evidence, np.isfinite(evidence[0]))
        return cls(found[:, *BOX], density[BOX])


@dataclass(frozen=True, eq=False)
class EvidenceNormal:
    """The normatives of the evidence and of the density."""

    position: EvidenceNormative
    density: EvidenceNormative


class EvidenceSums:
    """Sums over healthy scans of both; additive."""

    def __init__(self) -> None:
        self.position = EvidenceStatistics(mirror_signs(range(FIELDS_AND_KINDS)))
        self.density = EvidenceStatistics(np.ones(1))

    def add(self, scan: Evidence) -> None:
        """Add a scan, and its mirror image."""
        self.position.add(whole(scan.features))
        self.density.add(whole(scan.density)[None])

    def without(self, part: EvidenceSums) -> EvidenceSums:
        """The sums less those of some of the scans."""
        left = EvidenceSums()
        left.position.sums = self.position.sums - part.position.sums
        left.density.sums = self.density.sums - part.density.sums
        return left

    def finish(self) -> EvidenceNormal:
        """The normatives.

        Raises:
            ValueError: nothing was added.
        """
        return EvidenceNormal(self.position.finish(), self.density.finish())


def whole(values: NDArray[np.floating]) -> Floats:
    """Values (..., 64, 64, 64) of those in the box, float32; NaN elsewhere."""
    found = np.full((*values.shape[:-3], *[PLACES] * 3), np.nan, np.float32)
    found[..., *BOX] = values
    return found


@dataclass(frozen=True, eq=False)
class PartMaps:
    """A scan's parts of which the evidence tells.

    Attributes:
        maps: all but the asymmetry (64, 64, 64) at the places, by name; NaN where not known.
        typical: how odd a place is by position (of the head) and by density (of the brain): the median of each half of
            the head, and the smaller of the two. A lesion of one side does not move it, however large it is; a head
            that is unlike all of calibration raises it.
    """

    maps: dict[str, Floats]
    typical: dict[str, float]


def part_maps(scan: Evidence, normal: EvidenceNormal) -> PartMaps:
    """The parts of a scan, judged by what is normal."""
    odd = {
        "position": oddity(whole(scan.features), normal.position),
        "density": oddity(whole(scan.density)[None], normal.density),
    }
    maps = {
        "position": smoothed(one_sided(odd["position"])),
        "density": smoothed(odd["density"]),
        "density_one_sided": smoothed(one_sided(odd["density"])),
    }
    return PartMaps(maps, {name: round(typical_of(values), 4) for name, values in odd.items()})


def typical_of(oddity: Floats) -> float:
    """The smaller of the medians (n / 2, n, n) of both halves of a head (n, n, n), of what is known; 0 without any."""
    halves = [half[np.isfinite(half)] for half in np.split(oddity, 2)]
    return min((float(np.median(known)) for known in halves if known.size), default=0.0)


def unlike(typical: Mapping[str, float], most: Mapping[str, float]) -> list[str]:
    """The parts by which a head is unlike all healthy ones, of whose typical oddity `most` is the largest."""
    return [name for name, value in typical.items() if name in most and value > UNLIKE * most[name]]


def at_voxels(values: Floats, stride: int) -> Floats:
    """A map (64, 64, 64) at the places, on every stride-th voxel of the reference grid, linearly; NaN: not known."""
    known = np.isfinite(values)
    total, weight = np.where(known, values, np.float32(0)), known.astype(np.float32)
    where = (np.arange(0, REFERENCE_SIZE, stride) - FIRST_PLACE) / PLACE_STEP
    below = np.clip(np.floor(where).astype(int), 0, PLACES - 2)
    above_share = np.clip(where - below, 0, 1).astype(np.float32)
    for axis in range(3):
        share = above_share.reshape([-1 if other == axis else 1 for other in range(3)])
        total, weight = (
            part.take(below, axis) * (1 - share) + part.take(below + 1, axis) * share for part in (total, weight)
        )
    found = np.full(total.shape, np.nan, np.float32)
    return np.divide(total, weight, out=found, where=weight >= LEAST_KNOWN)


def joined(maps: Mapping[str, Floats], scales: Mapping[str, float]) -> Floats:
    """The anomaly map of the parts' maps, of one shape, by name; 0 where none is known.

    A part counts as 0 where it is not known (NaN).

    Raises:
        KeyError: a part has no scale.
    """
    squares = [(np.nan_to_num(values) / np.float32(scales[name])) ** 2 for name, values in maps.items()]
    return np.asarray(np.sqrt(np.sum(squares, axis=0)), dtype=np.float32)
