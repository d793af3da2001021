"""The tables of places and neighbours that every scan needs, computed once per process.

*Fine* places lie 1 mm apart, *coarse* ones 3.2 mm (the surface and what varies slowly), *pooled* ones 4 mm (what is
calibrated). All follow from constants: about 1.5 CPU-seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from .directions import LINES, Array, Index, calvaria, moved
from .lookup import Lookup, disc, gaussian, lookup

FINE_MM, COARSE_MM, POOLED_MM = 1.0, 3.2, 4.0

STEP_MM = 2.0
"""Length of a step of a path."""

NARROW_MM, WIDE_MM = (2.0, 3.0), (4.5,)
"""Distances from a line at which its sides are looked at, for narrow and for wide lines."""

NEAR_MM = 8.0
"""Reach of the envelope over pooled places."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Places (n, 3) and tables.

    Attributes:
        fine, coarse, pooled: the places.
        nearest: lookup of fine places.
        steps: fine place after a step, by heading (2 `LINES`, n).
        narrow, wide: fine place at each distance beside a line, by heading (2 `LINES`, distances, n).
        coarse_cell, pooled_cell: coarse and pooled place nearest to each fine place (n,).
        pooled_near: pooled places within `NEAR_MM` (m, k).
        to_fine: weights (fine, coarse) that interpolate.
        spread: weights (coarse, coarse) of Gaussians, by sigma in mm.
        sharp: weights (fine, fine) of a Gaussian of `SHARP_MM`.
        block: block of each coarse place (m,).
        broad: weights (coarse, blocks) of a Gaussian of `BROAD_MM`.
    """

    fine: Array
    coarse: Array
    pooled: Array
    nearest: Lookup
    steps: Index
    narrow: Index
    wide: Index
    coarse_cell: Index
    pooled_cell: Index
    pooled_near: Index
    to_fine: sparse.csr_array
    spread: dict[float, sparse.csr_array]
    sharp: sparse.csr_array
    block: Index
    broad: sparse.csr_array


SIGMAS_MM, SHARP_MM, BROAD_MM = (5.0, 8.0, 12.0), 0.8, 20.0
"""Sigmas of the Gaussian means: over coarse places, over fine ones, and over the coarse ones' blocks."""

BLOCK_MM = 8.0
"""Distance of the blocks of coarse places."""


@lru_cache(maxsize=1)
def atlas() -> Atlas:
    """The tables of the calvaria."""
    fine, coarse, pooled, blocks = (calvaria(spacing) for spacing in (FINE_MM, COARSE_MM, POOLED_MM, BLOCK_MM))
    nearest = lookup(fine, FINE_MM)
    headings = np.arange(2 * LINES) * 180 / LINES

    def beside(distance_mm: float) -> Index:
        return np.stack([nearest(moved(fine, heading, distance_mm)) for heading in headings])

    return Atlas(
        fine=fine,
        coarse=coarse,
        pooled=pooled,
        nearest=nearest,
        steps=beside(STEP_MM),
        narrow=np.stack([beside(distance) for distance in NARROW_MM], axis=1),
        wide=np.stack([beside(distance) for distance in WIDE_MM], axis=1),
        coarse_cell=cKDTree(coarse).query(fine)[1].astype(np.int32),
        pooled_cell=cKDTree(pooled).query(fine)[1].astype(np.int32),
        pooled_near=disc(pooled, NEAR_MM),
        to_fine=gaussian(coarse, fine, COARSE_MM * 0.7),
        spread={sigma: gaussian(coarse, coarse, sigma) for sigma in SIGMAS_MM},
        sharp=gaussian(fine, fine, SHARP_MM),
        block=cKDTree(blocks).query(coarse)[1].astype(np.int32),
        broad=gaussian(blocks, coarse, BROAD_MM),
    )
