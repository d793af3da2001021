"""Values of places carried back to the voxels of the scan: each skull voxel takes that of the place in its direction.

Nothing but the heatmap itself has the size of the scan: it is written in place, slice by slice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.coordinates import CENTRE_MM
from ..preprocessing.regions import SKULL
from .atlas import Atlas
from .directions import Array
from .surface import Surface

OUTSIDE_MM, INSIDE_MM = 6.0, 26.0
"""Voxels belong to the calvaria from so far outside of its surface to so far inside: a deep dent is part of it."""


def paint(
    heatmap: NDArray[np.float32],
    regions: NDArray[np.uint8],
    values: NDArray[Any],
    affine: Array,
    matrix: Array,
    surface: Surface,
    atlas: Atlas,
) -> None:
    """Write values (n,) of fine places into the skull's voxels of a heatmap (I, J, K), 0 beside the calvaria.

    `regions` are labels (I, J, K); `affine` leads from voxels to scan mm, `matrix` from there to reference mm.
    The largest value is in the heatmap in any case, at the skull's voxel that is nearest to its place.
    """
    whole, centre = matrix @ affine, np.array(CENTRE_MM)
    radii = np.append(np.linalg.norm(surface.points_mm - centre, axis=1), -np.inf).astype(np.float32)
    padded = np.append(np.nan_to_num(values), 0).astype(np.float32)
    peak = surface.points_mm[int(padded[:-1].argmax())] - centre
    highest, nearest, closest = -np.inf, None, np.inf
    for k in range(heatmap.shape[2]):
        i, j = np.nonzero(regions[:, :, k] == SKULL)
        if not len(i):
            continue
        away = np.stack([i, j], axis=1).astype(np.float32) @ whole[:3, :2].T.astype(np.float32)
        away += (whole[:3, 2] * k + whole[:3, 3] - centre).astype(np.float32)
        radius = np.maximum(np.sqrt((away * away).sum(axis=1)), 1e-6)
        place = atlas.nearest(away / radius[:, None])
        inside = (radius <= radii[place] + OUTSIDE_MM) & (radius >= radii[place] - INSIDE_MM)
        found = padded[place] * inside
        heatmap[i, j, k] = found
        highest = max(highest, float(found.max()))
        apart = ((away - peak) ** 2).sum(axis=1)
        if apart.min() < closest:
            closest, nearest = float(apart.min()), (i[apart.argmin()], j[apart.argmin()], k)
    if nearest is not None and highest < padded.max():
        heatmap[nearest] = padded.max()
