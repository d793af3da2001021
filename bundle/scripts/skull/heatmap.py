"""Values of places carried back to the voxels of the scan: each bone voxel takes that of the place in its direction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.affines import transform_points
from ..geometry.coordinates import CENTRE_MM
from ..preprocessing.foreground import BONE_HU
from .atlas import Atlas
from .directions import Array
from .surface import Surface

OUTSIDE_MM, INSIDE_MM = 3.0, 16.0
"""Voxels belong to the calvaria from so far outside of its surface to so far inside."""


def on_scan(
    values: Array, hu: NDArray[Any], affine: Array, matrix: Array, surface: Surface, atlas: Atlas
) -> NDArray[np.float32]:
    """Values (n,) of fine places on the voxels (I, J, K) of bone near the surface; 0 elsewhere.

    `affine` leads from voxels to scan mm, `matrix` from there to reference mm.
    """
    centre = np.array(CENTRE_MM)
    radii = np.append(np.linalg.norm(surface.points_mm - centre, axis=1), -np.inf)
    padded = np.append(np.nan_to_num(values), 0)
    found = np.zeros(hu.shape, dtype=np.float32)
    for k in range(hu.shape[2]):
        i, j = np.nonzero(hu[:, :, k] >= BONE_HU)
        if not len(i):
            continue
        away = transform_points(matrix @ affine, np.stack([i, j, np.full_like(i, k)], axis=1)) - centre
        radius = np.maximum(np.linalg.norm(away, axis=1), 1e-6)
        place = atlas.nearest(away / radius[:, None])
        inside = (radius <= radii[place] + OUTSIDE_MM) & (radius >= radii[place] - INSIDE_MM)
        found[i, j, k] = padded[place] * inside
    return found
