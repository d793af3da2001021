"""Places of a brain that no healthy head has: connected, above a threshold, each with the part that saw it.

The *voxel threshold* is what the maximum of the anomaly map exceeds in a share of alpha / 2 of the healthy hemispheres:
about a share of alpha of healthy heads, 5 % where nothing else is asked for, have a place above it. A *place* is what
hangs together above it in both hemispheres. It is that of the smoothed map, so that around a bright lesion it is too
large; `lesion` finds the lesion in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE
from ...statistics.auroc import threshold_at_specificity
from ..scores import Thresholds, score_name

SIDES_OF_A_HEAD = 2
"""Hemispheres among which a head's alpha is divided."""

VOXEL_SCORE = score_name("calibrated", "maximum")
"""Name of the healthy scores that the voxel threshold comes from."""

MOST = 12
"""Places of a brain; more of them say that the scan is no usual one."""

BOTH_SHARE = 0.1
"""A place is on both sides if at least this share of it is on either."""

SIDES = {LEFT_HEMISPHERE: "left", RIGHT_HEMISPHERE: "right"}

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Place:
    """A place above the threshold.

    Attributes:
        voxels: (m, 3), voxels of the reference grid at which the map is above the threshold.
        values: (m,), the map there.
        peak_voxel: (3,), where it is highest.
        parts: each part of the map at the peak, divided by its scale.
        spacing: voxels of the reference grid between neighbours in `voxels`.
    """

    voxels: NDArray[np.intp]
    values: Floats
    peak_voxel: NDArray[np.intp]
    parts: dict[str, float]
    spacing: int

    @property
    def peak(self) -> float:
        """The highest value."""
        return float(self.values.max())

    @property
    def seen_by(self) -> str:
        """The part that is highest at the peak."""
        return max(self.parts, key=lambda name: self.parts[name])


def voxel_threshold(thresholds: Thresholds) -> float | None:
    """The voxel threshold; None where there are too few healthy scores."""
    scores = thresholds.scores_of("left_hemisphere", VOXEL_SCORE)
    return threshold_at_specificity(scores, 1 - thresholds.alpha / SIDES_OF_A_HEAD) if scores else None


def brain_places(
    anomaly: Floats, parts: Mapping[str, Floats], regions: NDArray[np.uint8], threshold: float, stride: int
) -> list[Place]:
    """The places in the brain, the most unusual one first, `MOST` at most.

    Args:
        anomaly: (n, n, n), the anomaly map on every stride-th voxel of the reference grid.
        parts: the map of each part, divided by its scale, of the same shape, by name.
        regions: labels (n, n, n).
        threshold: the voxel threshold.
        stride: voxels between the map's places.
    """
    above = (anomaly > threshold) & np.isin(regions, tuple(SIDES))
    labels, _ = ndimage.label(above, np.ones((3, 3, 3)))
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = np.argwhere(labels[box] == number) + [part.start for part in box]
        values = anomaly[tuple(inside.T)]
        peak = inside[int(values.argmax())]
        seen = {name: round(float(np.nan_to_num(part[tuple(peak)])), 3) for name, part in parts.items()}
        found.append(Place(inside * stride, values, peak * stride, seen, stride))
    return sorted(found, key=lambda place: -place.peak)[:MOST]


def side_of(labels: NDArray[np.uint8]) -> str:
    """The patient's side, "left", "right" or "both", of voxels with region labels (n,), of which bone has none."""
    inside = labels[np.isin(labels, tuple(SIDES))]
    left = float((inside == LEFT_HEMISPHERE).mean()) if inside.size else 0.5
    return (
        "both" if BOTH_SHARE <= left <= 1 - BOTH_SHARE else SIDES[LEFT_HEMISPHERE if left > 0.5 else RIGHT_HEMISPHERE]
    )
