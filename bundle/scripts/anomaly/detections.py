"""Detections in the brain: connected places above a threshold, each with its size, its peak and the part that saw it.

The *voxel threshold* is what the maximum of the anomaly map exceeds in 2.5 % of the healthy hemispheres: about 5 % of
healthy heads have a place above it. A detection is what hangs together above it in both hemispheres; its volume is that
of the smoothed map above the threshold, so that of a bright lesion is too large.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.affines import transform_points
from ..geometry.coordinates import grid_affine
from ..preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE
from ..statistics.auroc import threshold_at_specificity
from .scores import Thresholds, score_name

HEMISPHERE_SPECIFICITY = 0.975
"""Share of healthy hemispheres without a place above the threshold; of both sides of a head, about 95 %."""

MOST = 12
"""Detections of a brain; more of them say that the scan is no usual one."""

BOTH_SHARE = 0.1
"""A detection is on both sides if at least this share of it is on either."""

SIDES = {LEFT_HEMISPHERE: "left", RIGHT_HEMISPHERE: "right"}

Floats = NDArray[np.float32]


def voxel_threshold(thresholds: Thresholds) -> float | None:
    """The voxel threshold; None where there are too few healthy scores."""
    scores = thresholds.scores_of("left_hemisphere", score_name("calibrated", "maximum"))
    return threshold_at_specificity(scores, HEMISPHERE_SPECIFICITY) if scores else None


def brain_detections(
    anomaly: Floats,
    parts: Mapping[str, Floats],
    regions: NDArray[np.uint8],
    threshold: float,
    stride: int,
    matrix: NDArray[np.float64],
) -> list[dict[str, Any]]:
    """The rows in `result.json` of the detections in the brain, the most unusual one first, `MOST` at most.

    Args:
        anomaly: (n, n, n), the anomaly map on every stride-th voxel of the reference grid.
        parts: the map of each part, divided by its scale, of the same shape, by name.
        regions: labels (n, n, n).
        threshold: the voxel threshold.
        stride: voxels between the map's places.
        matrix: (4, 4), from mm of the scan to reference mm.
    """
    above = (anomaly > threshold) & np.isin(regions, tuple(SIDES))
    labels, _ = ndimage.label(above, np.ones((3, 3, 3)))
    to_scan = np.linalg.inv(matrix) @ grid_affine(stride)
    rows = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = np.argwhere(labels[box] == number) + [part.start for part in box]
        values = anomaly[tuple(inside.T)]
        peak = inside[int(values.argmax())]
        seen = {name: round(float(np.nan_to_num(part[tuple(peak)])), 3) for name, part in parts.items()}
        corners = np.ptp(inside, axis=0) + 1
        centre, at = transform_points(to_scan, np.vstack([inside.mean(axis=0), peak])).round(1).tolist()
        rows.append(
            {
                "region": "brain",
                "kind": "brain",
                "side": side_of(regions[tuple(inside.T)]),
                "centre_mm": centre,
                "peak_mm": at,
                "volume_ml": round(len(inside) * stride**3 / 1000, 2),
                "extent_mm": float(corners.max() * stride),
                "peak": round(float(values.max()), 3),
                "parts": seen,
                "seen_by": max(seen, key=lambda name: seen[name]),
            }
        )
    return sorted(rows, key=lambda row: -float(row["peak"]))[:MOST]


def side_of(labels: NDArray[np.uint8]) -> str:
    """The patient's side, "left", "right" or "both", of a detection's places with region labels (n,)."""
    left = float((labels == LEFT_HEMISPHERE).mean())
    return (
        "both" if BOTH_SHARE <= left <= 1 - BOTH_SHARE else SIDES[LEFT_HEMISPHERE if left > 0.5 else RIGHT_HEMISPHERE]
    )
