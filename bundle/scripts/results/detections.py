"""The list of detections of brain and skull, as `result.json` and `detections.csv` hold it.

Ranks count from 1: those of the brain first, then those of the skull, the most unusual one of each first. They are the
labels in `detections.nii.gz`, which has those of the brain. `slice` is that of the centre, `peak_slice` that of the
peak, which the picture shows. They count from 1 along the third axis of the scan as it was read, which is the direction
of the slice normal; of slices that were brought to even spacing they are not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.tables import as_csv
from ..geometry.affines import transform_points

NAME = "detections.csv"

FIRST = ("rank", "region", "kind", "side", "name", "slice", "peak_slice")
POINTS = ("centre_mm", "peak_mm")
NUMBERS = ("volume_ml", "extent_mm", "length_mm", "width_mm", "depth_mm")
HU = ("density", "mean_hu", "mirror_hu")
SEEN = ("peak", "seen_by")
PARTS = ("position", "asymmetry", "density", "density_one_sided")
"""Groups of columns; of a point there are three, its RAS mm, of a part its value at the peak."""

COLUMNS = (
    *FIRST,
    *(f"{point.removesuffix('_mm')}_{axis}_mm" for point in POINTS for axis in "ras"),
    *(*NUMBERS, *HU, *SEEN),
    *(f"part_{name}" for name in PARTS),
)
"""Columns of `detections.csv`; what a kind of detection does not have is empty."""


def listed(
    rows: Sequence[Mapping[str, Any]], affine: NDArray[np.float64], slices: int, even: bool
) -> list[dict[str, Any]]:
    """Detections, each with its rank, side, name, centre and slices.

    Args:
        rows: of the brain (see `anomaly.detections.rows`), then of the skull (see `skull.detections`).
        affine: (4, 4), of the scan as it was read.
        slices: how many it has.
        even: false if they were brought to even spacing.
    """
    return [_completed(row, rank, affine, slices, even) for rank, row in enumerate(rows, start=1)]


def _completed(
    row: Mapping[str, Any], rank: int, affine: NDArray[np.float64], slices: int, even: bool
) -> dict[str, Any]:
    """One detection; of the skull, the name is that of the bone, and the centre lies between both ends."""
    full = {"rank": rank, **row}
    if "bone" in full:
        name, _, side = str(full["bone"]).partition(", ")
        full |= {"side": side, "name": name}
    if "ends_mm" in full:
        full["centre_mm"] = np.mean(full["ends_mm"], axis=0).round(1).tolist()
    for point, name in (("centre_mm", "slice"), ("peak_mm", "peak_slice")):
        if point in full:
            at = transform_points(np.linalg.inv(affine), np.array([full[point]]))[0, 2]
            full[name] = int(np.clip(np.rint(at), 0, slices - 1)) + 1 if even else None
    return full


def table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """`detections.csv` of the rows of `listed`: a header, and a line for each."""
    return as_csv(COLUMNS, [_cells(row) for row in rows]).encode()


def _cells(row: Mapping[str, Any]) -> list[Any]:
    """The cells of a row, in the order of `COLUMNS`."""
    points = [value for point in POINTS for value in (row.get(point) or (None,) * 3)]
    parts = row.get("parts", {})
    cells = [*(row.get(name) for name in FIRST), *points, *(row.get(name) for name in (*NUMBERS, *HU, *SEEN))]
    return [*cells, *(parts.get(name) for name in PARTS)]
