"""The places that the objects mark: those of `detections`, or else what is above the threshold of each region.

Of the calibrated map the places are the rows of `detections`: in the brain the voxels of each lesion, in the skull
those voxels above the threshold that lie nearest to the row. Of any other map they are the regions that exceed their
threshold somewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...anomaly.scores import above_threshold, score_name
from ...geometry.affines import transform_points
from ...preprocessing.regions import REGIONS, SKULL
from ..maps import Array

SKULL_NAME = "skull"

ARROW = "Cornerstone3DTools@^0.1.0:ArrowAnnotate"
"""How OHIF's own arrows are tracked; of measurements that are tracked otherwise, it lists none."""


@dataclass(frozen=True, eq=False)
class Scanned:
    """The scan and what was found in it, all (I, J, K) on one grid with its affine (4, 4) to RAS mm.

    `detections` are the ranks of lesions in the brain, None if the map is not judged by place. `limits` are the
    thresholds of the map by region, None where there is none.
    """

    hu: NDArray[Any]
    heatmap: NDArray[np.float32]
    regions: NDArray[np.uint8]
    affine: Array
    detections: NDArray[np.uint8] | None
    limits: Mapping[str, float | None]


@dataclass(frozen=True, eq=False)
class Place:
    """A place that is marked.

    Attributes:
        number: its value in the labels, from 1; of a detection its rank.
        region: a key of `REGIONS`, or "brain" for a detection in it.
        row: its row of `detections`, None for a whole region.
    """

    number: int
    region: str
    row: Mapping[str, Any] | None = None

    @property
    def label(self) -> str:
        """The name that viewers show: "Anomaly 1, right frontal lobe" or "Anomaly, right hemisphere"."""
        if self.row is None:
            return f"Anomaly, {self.region.replace('_', ' ')}"
        side = {"both": "both sides, ", "midline": "midline, "}.get(self.row["side"], f"{self.row['side']} ")
        return f"Anomaly {self.number}, {side}{self.row['name']}"

    @property
    def tracking(self) -> str:
        """The tracking identifier: the label, after the name of the tool with which OHIF draws and lists it."""
        return f"{ARROW}:{self.label}"


def marked_places(scanned: Scanned, result: Mapping[str, Any]) -> tuple[list[Place], NDArray[np.uint8]]:
    """The places of a result, and the number of each voxel's place (I, J, K), 0 elsewhere."""
    if result["map"] == "calibrated" and scanned.detections is not None:
        rows = result["detections"]
        labels = scanned.detections.copy()
        in_skull = [row for row in rows if row["region"] == SKULL_NAME]
        if in_skull and scanned.limits.get(SKULL_NAME):
            add_skull(labels, scanned, in_skull, float(scanned.limits[SKULL_NAME] or 0))
        return [Place(row["rank"], row["region"], row) for row in rows], labels
    score = score_name(result["map"], result["settings"]["score"])
    masks = above_threshold(scanned.heatmap, scanned.regions, result["score_details"], score)
    labels = np.zeros(scanned.regions.shape, np.uint8)
    for number, mask in enumerate(masks.values(), 1):
        labels[mask] = number
    return [Place(number, region) for number, region in enumerate(masks, 1)], labels


def add_skull(labels: NDArray[np.uint8], scanned: Scanned, rows: Sequence[Mapping[str, Any]], threshold: float) -> None:
    """Give voxels of the skull above its threshold, in place, the rank of the row that they are nearest to."""
    index = np.argwhere((scanned.regions == REGIONS[SKULL_NAME]) & (scanned.heatmap > threshold) & (labels == 0))
    if not len(index):
        return
    points = transform_points(scanned.affine, index.astype(float))
    distances = np.stack([from_row_mm(points, row) for row in rows])
    ranks = np.array([row["rank"] for row in rows], np.uint8)
    labels[tuple(index.T)] = ranks[distances.argmin(axis=0)]


def from_row_mm(points: Array, row: Mapping[str, Any]) -> Array:
    """Distance, mm, of points (n, 3) from a row of the skull: from its peak, or the line between its ends."""
    start, end = np.asarray(row["ends_mm"], dtype=float)
    along = end - start
    share = np.clip((points - start) @ along / max(float(along @ along), 1e-9), 0, 1)
    line = np.linalg.norm(points - (start + share[:, None] * along), axis=1)
    return np.asarray(np.minimum(line, np.linalg.norm(points - np.asarray(row["peak_mm"], dtype=float), axis=1)))


def times_threshold(scanned: Scanned) -> tuple[NDArray[np.float32], float | None]:
    """The map (I, J, K) in multiples of the threshold of each region, and the threshold of the brain.

    Where no threshold is known, in multiples of the map's maximum, and None. In a region without a threshold, and
    outside all regions, the brain's holds.
    """
    known = {name: float(limit) for name, limit in scanned.limits.items() if limit and name in REGIONS}
    brain = [limit for name, limit in known.items() if REGIONS[name] != SKULL]
    if not known:
        top = float(scanned.heatmap.max(initial=0)) or 1.0
        return np.asarray(scanned.heatmap / np.float32(top), dtype=np.float32), None
    threshold = max(brain or known.values())
    scale = np.full(max(REGIONS.values()) + 1, 1 / threshold, np.float32)
    for name, limit in known.items():
        scale[REGIONS[name]] = 1 / limit
    return np.asarray(scanned.heatmap * scale[scanned.regions], dtype=np.float32), threshold
