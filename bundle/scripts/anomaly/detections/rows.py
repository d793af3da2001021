"""The rows in `result.json` of the detections in the brain, and their voxels on the scan's own grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry.affines import transform_points
from ...geometry.coordinates import REFERENCE_SIZE, REFERENCE_SPACING_MM, grid_affine
from .atlas import Atlas
from .lesion import Lesion, Scan, find_lesion
from .places import Place, side_of

SAME_SHARE = 0.5
"""A place whose lesion is to this share that of a more unusual place is the same lesion."""

VOXEL_ML = REFERENCE_SPACING_MM**3 / 1000

LEAST_ML = 0.25
"""A smaller lesion is no detection: the networks tell places apart that are 4 mm from one another, 0.06 ml each."""

Labels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Detected:
    """A place, and the voxels (m, 3) of the reference grid that are its lesion and no other place's."""

    place: Place
    lesion: Lesion
    voxels: NDArray[np.intp]


def lesions(places: Sequence[Place], scan: Scan) -> tuple[list[Detected], Labels]:
    """The detections of places, in their order, and their ranks (256, 256, 256) on the reference grid, 0 elsewhere.

    A place of which `SAME_SHARE` is the lesion of a place before it is no detection of its own, nor is one under
    `LEAST_ML`.
    """
    found: list[Detected] = []
    ranks = np.zeros((REFERENCE_SIZE,) * 3, np.uint8)
    for place in places:
        lesion = find_lesion(place, scan)
        voxels = lesion.voxels
        free = voxels[ranks[tuple(voxels.T)] == 0]
        if len(free) <= (1 - SAME_SHARE) * len(voxels) or len(free) * VOXEL_ML < LEAST_ML:
            continue
        found.append(Detected(place, lesion, free))
        ranks[tuple(free.T)] = len(found)
    return found, ranks


def rows(found: Sequence[Detected], scan: Scan, atlas: Atlas) -> list[dict[str, Any]]:
    """The rows of detections, in their order; all mm are RAS mm of the scan.

    `density` says whether the lesion is "darker" or "brighter" than its
    surroundings; where it is None, `volume_ml` is that of the place in the map.
    """
    to_scan = np.linalg.inv(scan.matrix) @ grid_affine()
    listed = []
    for one in found:
        centre, peak = transform_points(to_scan, np.vstack([one.voxels.mean(axis=0), one.place.peak_voxel]))
        size = np.ptp(one.voxels, axis=0) + 1
        listed.append(
            {
                "region": "brain",
                "kind": "brain",
                "side": side_of(scan.regions[tuple(one.voxels.T)]),
                "name": atlas.name(one.voxels),
                "centre_mm": centre.round(1).tolist(),
                "peak_mm": peak.round(1).tolist(),
                "volume_ml": round(len(one.voxels) * VOXEL_ML, 2),
                "extent_mm": float(size.max() * REFERENCE_SPACING_MM),
                "density": one.lesion.density,
                "mean_hu": one.lesion.hu,
                "mirror_hu": one.lesion.mirror_hu,
                "peak": round(one.place.peak, 3),
                "parts": one.place.parts,
                "seen_by": one.place.seen_by,
            }
        )
    return listed


def on_scan(ranks: Labels, scan: Scan) -> Labels:
    """Ranks (I, J, K) on the scan's own grid, of ranks (256, 256, 256) on the reference grid; the nearest one's."""
    out = np.zeros(scan.hu.shape, np.uint8)
    inside = np.argwhere(ranks > 0)
    if not len(inside):
        return out
    to_reference = np.linalg.inv(grid_affine()) @ scan.matrix @ scan.affine
    ends = np.array(list(np.ndindex(2, 2, 2))) * (np.ptp(inside, axis=0) + 2) + inside.min(axis=0) - 1
    corners = transform_points(np.linalg.inv(to_reference), ends)
    low = np.clip(np.floor(corners.min(axis=0)), 0, out.shape).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, out.shape).astype(int)
    for k in range(low[2], high[2]):
        rows_, columns = np.mgrid[low[0] : high[0], low[1] : high[1]]
        voxels = np.column_stack([rows_.ravel(), columns.ravel(), np.full(rows_.size, k)])
        at = np.rint(transform_points(to_reference, voxels)).astype(int)
        known = ((at >= 0) & (at < REFERENCE_SIZE)).all(axis=1)
        out[tuple(voxels[known].T)] = ranks[tuple(at[known].T)]
    return out
