"""The gap map: g = 1 - mass / local mean of the mass; 0 usual, 1 no bone.

The *local mean* is a Gaussian of 5 mm over bone: the first time over all places in view, the second time without those
under half of the first mean, so that a gap does not lower what it is compared with. Where there is hardly bone around,
nothing can be a gap: such places are not `bone`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .atlas import Atlas
from .directions import Array
from .lookup import mean
from .profiles import Profiles

LOCAL_MM = 5.0
HALF = 0.5

LEAST_SHARE = 0.15
"""Share of the skull's median mass below which there is no bone."""


class Gaps(NamedTuple):
    """Gap map (n,) at fine places, 1 where there is no bone to compare with, and which places (n,) are bone."""

    gap: Array
    bone: NDArray[np.bool_]


def gap_map(found: Profiles, atlas: Atlas) -> Gaps:
    """The gap map of the profiles of a scan."""
    first = local_mean(found.mass, found.known, atlas)
    whole = found.known & (found.mass >= HALF * np.nan_to_num(first))
    usual = np.nan_to_num(local_mean(found.mass, whole, atlas))
    bone = found.known & (usual > LEAST_SHARE * median_mass(found))
    gap = 1 - np.divide(found.mass, usual, out=np.ones_like(usual), where=bone)
    smooth = mean(atlas.sharp, np.clip(gap, -1, 1), bone)
    return Gaps(np.where(bone, np.nan_to_num(smooth), 1.0), bone)


def median_mass(found: Profiles) -> float:
    """Median mass of the places in view; 0 if nothing is in view."""
    return float(np.median(found.mass[found.known])) if found.known.any() else 0.0


def local_mean(values: Array, used: NDArray[np.bool_], atlas: Atlas) -> Array:
    """Gaussian mean (n,) of values (n,) over used places, by way of the coarse ones; NaN where none is near."""
    count = np.bincount(atlas.coarse_cell, used, len(atlas.coarse))
    total = np.bincount(atlas.coarse_cell, np.where(used, values, 0), len(atlas.coarse))
    cells = np.divide(total, count, out=np.zeros_like(total), where=count > 0)
    coarse = mean(atlas.spread[LOCAL_MM], cells, count)
    return mean(atlas.to_fine, np.nan_to_num(coarse), np.isfinite(coarse))
