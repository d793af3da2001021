"""Thick slices draw steps on a sloping skull; they are rings in the slice plane, which are no fractures.

For slices `THICK_MM` apart or more, the mean of the gap map along the slice plane is taken off it, and valleys that run
in the slice plane count less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .atlas import Atlas
from .directions import LINES, RADIUS_MM, Array, frames
from .gaps import Gaps
from .rays import View
from .surface import Surface

THICK_MM = 4.0
THICKEST_MM = 8.0
"""Slices farther apart are not judged: at 10 mm, healthy calvariae had dents and holes between slices."""

EQUAL_MM = 0.01
"""Distances of slices that differ by less are equal: a rotation leaves 4 mm as 3.9999999999."""

REACH_MM, STEP_MM = 14.0, 2.0
"""Reach of the mean along the slice plane, to either side, and its step."""

LOST = 0.5
"""Share that valleys in the slice plane lose."""

Values = NDArray[np.float32]


def slice_normal(seen: View, widest_gap_mm: float = 0.0) -> tuple[Array, float]:
    """Unit normal (3,) of the slices in reference space, and their distance, mm.

    Slices that were interpolated have steps of their `widest_gap_mm`; they lie along the third axis.
    """
    rows = seen.to_voxel[:3, :3]
    distances = 1 / np.linalg.norm(rows, axis=1)
    axis = 2 if widest_gap_mm else int(np.argmax(distances))
    return rows[axis] * distances[axis], max(float(distances[axis]), widest_gap_mm)


def is_thick(slices_mm: float) -> bool:
    """True if slices are `THICK_MM` apart or more."""
    return slices_mm > THICK_MM - EQUAL_MM


def is_too_thick(slices_mm: float) -> bool:
    """True if slices are more than `THICKEST_MM` apart."""
    return slices_mm > THICKEST_MM + EQUAL_MM


def in_plane(surface: Surface, normal: Array) -> Array:
    """Unit tangents (n, 3) of the surface within the slice plane; (0, 0, 0) where the surface lies in it."""
    along = np.cross(normal, surface.normals)
    length = np.linalg.norm(along, axis=1, keepdims=True)
    found: Array = np.divide(along, length, out=np.zeros_like(along), where=length > 0.05)
    return found


def without_rings(gaps: Gaps, along: Array, atlas: Atlas) -> Gaps:
    """The gap map less its mean along the slice plane, over places that are bone."""
    padded, bone = np.append(np.where(gaps.bone, gaps.gap, 0), 0), np.append(gaps.bone, False)
    total, count = np.zeros(len(gaps.gap)), np.zeros(len(gaps.gap))
    for distance in np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM):
        there = atlas.fine + along * distance / RADIUS_MM
        places = atlas.nearest(there / np.linalg.norm(there, axis=1, keepdims=True))
        total += padded[places]
        count += bone[places]
    ring = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    return Gaps(np.where(gaps.bone, gaps.gap - ring, gaps.gap), gaps.bone)


def weights(along: Array, atlas: Atlas) -> Values:
    """Weights (`LINES`, n) of valleys: 1 across the slice plane, 1 - `LOST` along it."""
    first, second = frames(atlas.fine)
    angle = np.arctan2((along * second).sum(axis=1), (along * first).sum(axis=1))
    lines = np.arange(LINES)[:, None] * np.pi / LINES
    inside = np.any(along != 0, axis=1)
    return np.asarray(1 - LOST * inside * np.clip(np.cos(2 * (lines - angle)), 0, 1), dtype=np.float32)
