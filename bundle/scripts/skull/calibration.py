"""What is usual on a healthy skull, by place and line direction, and how unusual a scan is.

A *normative* has the mean and the standard deviation (sd) of each map's envelope over healthy scans and their mirror
images, hence symmetric. With the pooled map Q and its envelope E, a place is unusual by

    z = min(Q - mean, Q - E at the mirror place) / sd

so that what both sides have, a pair of sutures say, is not. The *peak* of a map is its largest z. The *limit* of a map
is the z that few peaks of healthy scans exceed which the normative does not hold. The *score* of a skull is the largest
of its peaks, those of wide lines and dents times the limit of lines over their own, so that all maps have one limit: a
score is in standard deviations of a place, as it were in the map of lines. Thin and thick slices have a normative each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atlas import Atlas
from .directions import LINES, Array, mirrored, mirrored_lines
from .measure import MAPS
from .pooling import envelope

Values = NDArray[np.float32]
Maps = dict[str, Values]

LEAST_SD_SHARE = 0.5
"""An sd is at least this share of the median one of its map."""

LIMIT_SDS = 1.645
"""The limit of a map lies so many standard deviations above the mean peak of healthy scans: 95 % of a normal law."""

FEWEST = 4
"""Images of healthy skulls that a place needs to be calibrated."""


@dataclass(frozen=True, eq=False)
class Image:
    """Maps of a skull, the envelope of each, and the known places (m,)."""

    maps: Maps
    around: Maps
    known: NDArray[np.bool_]


def image_of(maps: Maps, known: NDArray[np.bool_], atlas: Atlas) -> Image:
    """The maps of a skull with their envelopes."""
    return Image(maps, {name: envelope(maps[name] * known, atlas) for name in MAPS}, known)


@dataclass(frozen=True, eq=False)
class Normative:
    """Mean and sd (rows, m) of the envelope by map; where no healthy scan shows a place, the mean is infinite."""

    mean: Maps
    sd: Maps


@dataclass(frozen=True)
class Peak:
    """The largest z of a map, with its row (line direction) and pooled place."""

    z: float
    row: int
    place: int


def mirrored_map(values: Values) -> Values:
    """A map (rows, m) as the mirror image of the skull has it."""
    return np.asarray(mirrored_lines(values) if len(values) == LINES else mirrored(values), dtype=np.float32)


def fit(skulls: Sequence[Image]) -> Normative:
    """The normative of healthy skulls.

    Raises:
        ValueError: there are too few.
    """
    if 2 * len(skulls) < FEWEST:
        raise ValueError(f"A normative needs {FEWEST // 2} healthy skulls at least, got {len(skulls)}.")
    seen = np.stack([image for skull in skulls for image in (skull.known, mirrored(skull.known))])
    count = seen.sum(axis=0)
    mean, sd = {}, {}
    for name in MAPS:
        around = [skull.around[name] for skull in skulls]
        images = np.stack([image for one in around for image in (one, mirrored_map(one))])
        weight = seen[:, None, :]
        middle = (images * weight).sum(axis=0) / np.maximum(count, 1)
        spread = np.sqrt(((images - middle) ** 2 * weight).sum(axis=0) / np.maximum(count - 1, 1))
        enough = count >= FEWEST
        least = LEAST_SD_SHARE * np.median(spread[:, enough])
        mean[name] = np.where(enough, middle, np.inf).astype(np.float32)
        sd[name] = np.maximum(spread, max(least, 1e-6)).astype(np.float32)
    return Normative(mean, sd)


def unusual(skull: Image, name: str, usual: Normative) -> Values:
    """z (rows, m) of the map of this name; minus infinity where the scan or the normative knows nothing."""
    values = skull.maps[name]
    above = np.minimum(values - usual.mean[name], values - mirrored_map(skull.around[name]))
    return np.where(skull.known, above / usual.sd[name], -np.inf).astype(np.float32)


def fine_unusual(fine: Values, skull: Image, name: str, usual: Normative, atlas: Atlas) -> Values:
    """z (rows, n) at fine places of the map (rows, n) of this name there; its maxima over cells are `unusual`."""
    cell = atlas.pooled_cell
    above = np.minimum(fine - usual.mean[name][:, cell], fine - mirrored_map(skull.around[name])[:, cell])
    return np.where(skull.known[cell], above / usual.sd[name][:, cell], -np.inf).astype(np.float32)


def peak(z: Values) -> Peak:
    """The peak of z (rows, m); minus infinity where nothing is known."""
    row, place = np.unravel_index(int(np.argmax(z)), z.shape)
    return Peak(float(z[row, place]), int(row), int(place))


@dataclass(frozen=True, eq=False)
class Class:
    """A normative, and the mean and sd (2,) of the peaks of healthy scans by map."""

    usual: Normative
    peaks: dict[str, Array]

    def standard(self, name: str, z: Any) -> Any:
        """z of a map, a number or an array, in the unit of the score: 0 stays 0, and all maps have one limit."""
        return z * (self.limit(MAPS[0]) / self.limit(name))

    def limit(self, name: str) -> float:
        """The z of a map that few peaks of healthy scans exceed."""
        middle, spread = self.peaks[name]
        return float(middle + LIMIT_SDS * spread)


def peaks_of(skull: Image, usual: Normative) -> dict[str, Peak]:
    """The peak of each map of a skull."""
    return {name: peak(unusual(skull, name, usual)) for name in MAPS}


def cross_fitted(skulls: Sequence[Image], groups: Sequence[str]) -> tuple[Class, list[float]]:
    """The class of healthy skulls, and the score of each, by normatives without the skulls of its group (anatomy).

    Raises:
        ValueError: there are too few skulls, or too few outside of a group.
    """
    peaks: list[dict[str, Peak]] = [{} for _ in skulls]
    for group in dict.fromkeys(groups):
        usual = fit([skull for skull, own in zip(skulls, groups, strict=True) if own != group])
        for number, own in enumerate(groups):
            if own == group:
                peaks[number] = peaks_of(skulls[number], usual)
    found = calibrated(fit(skulls), peaks)
    return found, [score(one, found) for one in peaks]


def score(peaks: dict[str, Peak], usual: Class) -> float:
    """The score of a skull: the largest of its standardised peaks."""
    return float(max(usual.standard(name, found.z) for name, found in peaks.items()))


def calibrated(usual: Normative, healthy: Sequence[dict[str, Peak]]) -> Class:
    """A class from a normative and the peaks of healthy scans that other scans' normatives gave.

    Raises:
        ValueError: there are fewer than two scans.
    """
    if len(healthy) < 2:
        raise ValueError(f"A calibration needs the peaks of 2 healthy scans at least, got {len(healthy)}.")
    peaks = {}
    for name in MAPS:
        z = np.array([one[name].z for one in healthy])
        z = z[np.isfinite(z)]
        peaks[name] = np.array([z.mean(), max(float(z.std(ddof=1)), 1e-3)])
    return Class(usual, peaks)
