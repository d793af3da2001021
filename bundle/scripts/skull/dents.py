"""Dents: how far the outer table lies inside of a robust, wide surface, in mm.

The *wide surface* is a Gaussian mean of 20 mm of the ratio of outermost to usual radius, with Tukey's weights, which
leave a dent out. The *residual* is averaged over 5 mm. A depressed fracture without gaps is seen by it alone.
"""

from __future__ import annotations

import numpy as np

from .atlas import Atlas
from .directions import Array
from .lookup import mean

AVERAGE_MM = 5.0
ROUNDS = 4

TUKEY, LEAST_SD = 4.7, 0.002
"""Tukey's constant in robust standard deviations of the ratio, and the least of these: 0.002 is 0.2 mm."""

DEEPEST_MM = 20.0
"""What lies deeper is another bone."""


def dents(outer_mm: Array, usual_mm: Array, atlas: Atlas) -> Array:
    """Depth (m,), mm, of the outer table below the wide surface at coarse places; 0 outside it or where unknown.

    `outer_mm` and `usual_mm` are the outermost radii (m,), NaN where none, and those of the mean surface.
    """
    ratio = outer_mm / usual_mm
    known = np.isfinite(ratio)
    filled = np.where(known, ratio, 0.0)
    weights = known.astype(np.float64)
    for _ in range(ROUNDS):
        wide = broad_mean(filled, weights, atlas)
        rest = np.where(known, filled - wide, np.nan)
        sd = max(1.4826 * float(np.nanmedian(np.abs(rest))), LEAST_SD)
        weights = np.where(known, np.clip(1 - (np.nan_to_num(rest) / (TUKEY * sd)) ** 2, 0, 1) ** 2, 0)
    depth = -np.nan_to_num(rest) * usual_mm
    seen = known & (depth < DEEPEST_MM)
    return np.maximum(np.nan_to_num(mean(atlas.spread[AVERAGE_MM], depth, seen)), 0)


def broad_mean(values: Array, weights: Array, atlas: Atlas) -> Array:
    """Weighted Gaussian mean (m,) of 20 mm of values (m,) at coarse places; their mean where no weight is near."""
    size = atlas.broad.shape[1]
    count = np.bincount(atlas.block, weights, size)
    total = np.bincount(atlas.block, values * weights, size)
    blocks = np.divide(total, count, out=np.zeros(size), where=count > 0)
    found = mean(atlas.broad, blocks, count)
    whole = float((values * weights).sum() / max(weights.sum(), 1e-9))
    return np.where(np.isfinite(found), found, whole)
