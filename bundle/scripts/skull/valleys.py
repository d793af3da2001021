"""Valleys of the gap map: how much more of the bone is missing in a line than on either side of it.

In a line direction, the *valley* of a place is its gap less the larger one of its two sides, each the mean over the
distances in the table; negative ones are 0. So both sides must be bone. *Noise* is the root mean square of
valleys, capped, in coarse cells, over 12 mm; cells far above that mean are clipped twice, so that a fracture does not
raise its own noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .atlas import Atlas
from .directions import LINES, Array, Index
from .gaps import Gaps
from .lookup import mean

Values = NDArray[np.float32]

CAP, CLIP, CLIPS = 0.3, 1.5, 2
"""Largest valley that counts as noise; multiple of the local mean at which cells are clipped, and how often."""

NOISE_MM, LEAST_NOISE = 12.0, 0.004
"""Sigma of the local noise, and the lowest one: that of the interpolation."""


def valleys(gaps: Gaps, beside: Index) -> Values:
    """Valleys (`LINES`, n) of a gap map; `beside` (2 `LINES`, distances, n) is the table of the places beside."""
    padded = np.append(gaps.gap, 1.0).astype(np.float32)
    sides = np.stack([padded[table].mean(axis=0) for table in beside])
    turns = np.arange(LINES) + LINES // 2
    higher = np.maximum(sides[turns], sides[(turns + LINES) % (2 * LINES)])
    return np.asarray(np.maximum(padded[:-1] - higher, 0) * gaps.bone, dtype=np.float32)


def local_noise(found: Values, gaps: Gaps, atlas: Atlas) -> Array:
    """Noise (n,) of valleys (`LINES`, n) at fine places, at least `LEAST_NOISE`."""
    squares = (np.minimum(found, CAP) ** 2).mean(axis=0)
    count = np.bincount(atlas.coarse_cell, gaps.bone, len(atlas.coarse))
    total = np.bincount(atlas.coarse_cell, squares * gaps.bone, len(atlas.coarse))
    cells = np.sqrt(np.divide(total, count, out=np.zeros_like(total), where=count > 0))
    for _ in range(CLIPS):
        cells = np.minimum(cells, CLIP * np.nan_to_num(mean(atlas.spread[NOISE_MM], cells, count)))
    coarse = mean(atlas.spread[NOISE_MM], cells, count)
    fine = mean(atlas.to_fine, np.nan_to_num(coarse), np.isfinite(coarse))
    return np.maximum(np.nan_to_num(fine), LEAST_NOISE)
