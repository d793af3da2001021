"""The own outer surface of a skull: its radius at coarse places, smooth, and the normals at fine ones.

The *outermost* radius is where a ray from the centre last falls below `BONE_HU` inside the head. Divided by the mean
radius of healthy heads it varies slowly. The *own surface* is this ratio without outliers, smoothed, times the mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..geometry.coordinates import CENTRE_MM
from ..preprocessing.foreground import BONE_HU
from .atlas import Atlas
from .directions import RADIUS_MM, Array
from .lookup import disc, mean
from .rays import View, sampled

NEAREST_MM, FARTHEST_MM, STEP_MM = 45.0, 120.0, 0.5
"""Radii between which the outer table is looked for, and their step."""

MEDIAN_REACH_MM = 7.0
"""Half of the window of the median that outliers are compared with."""

OUTLIER_SDS = 3.0
SMOOTH_MM, SLOPE_MM = 8.0, 5.0
"""Sigmas of the surface, and of the differences that its slope is of."""


LEAST_BONE = 0.3
"""Share of the rays that have to meet bone: a large craniectomy leaves more."""


class SkullNotJudged(ValueError):
    """The calvaria of a scan can't be judged; the message says why."""


class Surface(NamedTuple):
    """The own surface: points (n, 3) and outward normals (n, 3) at fine places, reference mm."""

    points_mm: Array
    normals: Array


def outermost(seen: View, atlas: Atlas) -> Array:
    """Outermost radius (m,), mm, of bone at coarse places; NaN where a ray meets none."""
    radii = np.arange(NEAREST_MM, FARTHEST_MM, STEP_MM)
    points = atlas.coarse[:, None] * radii[:, None] + np.array(CENTRE_MM)
    hu, known, head = sampled(seen, points.reshape(-1, 3)).rows(len(atlas.coarse))
    bone = (hu >= BONE_HU) & known & head
    bone[:, -1] = False
    last = bone.shape[1] - 1 - np.argmax(bone[:, ::-1], axis=1)
    rows = np.arange(len(bone))
    following = np.minimum(last + 1, len(radii) - 1)
    drop = np.maximum(hu[rows, last] - hu[rows, following], 1.0)
    radius = radii[last] + STEP_MM * np.clip((hu[rows, last] - BONE_HU) / drop, 0, 1)
    return np.where(bone.any(axis=1), radius, np.nan)


def own_radii(outer_mm: Array, usual_mm: Array, atlas: Atlas) -> Array:
    """Smooth radii (m,), mm, at coarse places from outermost ones (m,) and those of the mean surface (m,).

    Raises:
        SkullNotJudged: hardly a ray meets bone.
    """
    ratio = outer_mm / usual_mm
    if (share := float(np.isfinite(ratio).mean())) < LEAST_BONE:
        raise SkullNotJudged(f"Bone was found in {100 * share:.0f} % of the calvaria.")
    middle = np.nanmedian(ratio)
    filled = np.append(np.where(np.isfinite(ratio), ratio, middle), middle)
    rest = filled[:-1] - np.median(filled[disc(atlas.coarse, MEDIAN_REACH_MM)], axis=1)
    limit = OUTLIER_SDS * 1.4826 * np.median(np.abs(rest)) + 1e-4
    fine = mean(atlas.spread[SMOOTH_MM], ratio, np.isfinite(ratio) & (np.abs(rest) < limit))
    return np.where(np.isfinite(fine), fine, middle) * usual_mm


def fine_surface(radii_mm: Array, atlas: Atlas) -> Surface:
    """Points and normals at fine places of a surface by its radii (m,) at coarse ones."""
    every = np.ones(len(radii_mm))
    log, weights = np.log(radii_mm), atlas.spread[SLOPE_MM]
    total = (weights @ every)[:, None]
    rise = weights @ (log[:, None] * atlas.coarse) - log[:, None] * (weights @ atlas.coarse)
    rise -= atlas.coarse * (weights @ log - log * total[:, 0])[:, None]
    slope = rise / (total * (SLOPE_MM / RADIUS_MM) ** 2)
    radius, *slopes = (mean(atlas.to_fine, values, every) for values in (radii_mm, *slope.T))
    tangent = np.stack(slopes, axis=1)
    tangent -= (tangent * atlas.fine).sum(axis=1, keepdims=True) * atlas.fine
    normals = atlas.fine - tangent
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Surface(atlas.fine * radius[:, None] + np.array(CENTRE_MM), normals)
