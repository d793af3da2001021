"""Motion of the patient, by the outer table: how far slices are displaced in their plane against their neighbours.

A *slab* is a layer of the calvaria parallel to the slices, `SLAB_MM` high or one slice. Its *shift* is the displacement
s in the slice plane by which the outer table lies beside the own, smooth surface: r = s . d in least squares, with r
the radius above that surface and d the direction of each place, outliers left out. A *jump* is the length of the
difference of shifts of neighbouring slabs. A displaced run of slices has one where it begins, one where it ends, and
more if slices in it differ; a dent, a suture or noise has hardly any. The *motion* is the third largest jump.
"""

from __future__ import annotations

import numpy as np

from ..geometry.coordinates import CENTRE_MM
from .atlas import Atlas
from .directions import Array

SLAB_MM = 3.0

LOWEST_Z, LEAST_ASIDE = 0.2, 0.5
"""Places count above this height on the unit sphere, where their direction has at least this share in the plane."""

FEWEST = 70
"""Places that a slab needs."""

FARTHEST_MM = 6.0
"""Places farther from the own surface are another bone."""

OUTLIER_SDS, ROUNDS = 2.5, 4

RANK = 2
"""The motion is the jump of this rank, counted from 0."""

MOVED_MM = 0.45
"""Motion from which on it is reported: healthy heads that lie still had up to 0.3, after surgery up to 0.4."""


def motion_mm(outer_mm: Array, radii_mm: Array, normal: Array, slices_mm: float, atlas: Atlas) -> float:
    """The motion, mm, of slices with a unit normal (3,); 0 where fewer slabs than that can be compared.

    `outer_mm` are the outermost radii (m,) at coarse places, NaN where none, `radii_mm` (m,) those of the own surface.
    """
    shifts = slab_shifts(outer_mm, radii_mm, normal, max(slices_mm, SLAB_MM), atlas)
    jumps = np.linalg.norm(np.diff(shifts, axis=0), axis=1)
    jumps = np.sort(jumps[np.isfinite(jumps)])[::-1]
    return float(jumps[RANK]) if len(jumps) > RANK else 0.0


def slab_shifts(outer_mm: Array, radii_mm: Array, normal: Array, slab_mm: float, atlas: Atlas) -> Array:
    """Shifts (k, 2), mm, of slabs from the lowest on along a normal (3,); NaN where a slab has too few places."""
    above = outer_mm - radii_mm
    first = np.cross(normal, np.eye(3)[int(np.abs(normal).argmin())])
    first /= np.linalg.norm(first)
    aside = np.stack([atlas.coarse @ first, atlas.coarse @ np.cross(normal, first)], axis=1)
    heights = (atlas.coarse * radii_mm[:, None] + np.array(CENTRE_MM)) @ normal
    slab = np.floor(heights / slab_mm).astype(int)
    slab -= slab.min()
    used = np.isfinite(above) & (np.abs(above) < FARTHEST_MM) & (atlas.coarse[:, 2] > LOWEST_Z)
    used &= np.linalg.norm(aside, axis=1) > LEAST_ASIDE
    shifts = np.full((slab.max() + 1, 2), np.nan)
    for number in range(len(shifts)):
        inside = used & (slab == number)
        if inside.sum() >= FEWEST:
            shifts[number] = _fitted(aside[inside], above[inside])
    return shifts


def _fitted(aside: Array, above_mm: Array) -> Array:
    """The shift (2,) of places with directions (n, 2) in the plane and radii (n,) above the own surface."""
    shift: Array = np.zeros(2)
    for _ in range(ROUNDS):
        shift = np.asarray(np.linalg.lstsq(aside, above_mm, rcond=None)[0], dtype=np.float64)
        rest = np.abs(above_mm - aside @ shift)
        kept = rest < OUTLIER_SDS * (1.4826 * np.median(rest) + 1e-3)
        aside, above_mm = aside[kept], above_mm[kept]
    return shift
