"""Several fractures at once on one side of a head, each apart from the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from ..anatomy.braincase import Array, Braincase
from .cuts import Gap
from .fractures import depressed, diastatic, linear
from .growth import Lesion, Volume

COUNT = (2, 4)
"""Least and largest number of fractures."""

DRAWN = (linear, linear, depressed, diastatic)
"""What one of them is, each with the same probability."""

APART_MM, TRIES = 12.0, 60
"""Least distance between fractures, and how many are drawn to find some that far apart."""


def multiple(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """Several fractures on `side`; see `planting.plant_lesion`.

    Raises:
        ValueError: so many don't fit on one side.
    """
    drawn = int(rng.integers(COUNT[0], COUNT[1] + 1))
    wanted, points = gap.count or drawn, list[Array]()
    found = Lesion(hu, np.asarray(case.labels, dtype=np.int16), np.zeros(hu.shape, np.uint8))
    for one in rng.spawn(TRIES):
        if len(points) == wanted:
            break
        planted = DRAWN[one.integers(len(DRAWN))](found.hu, case, side, one, replace(gap, count=None))
        own = np.argwhere(planted.mask == 1) * case.spacing_mm
        if len(own) and all(cKDTree(other).query(own)[0].min() > APART_MM for other in points):
            found = planted._replace(mask=np.maximum(found.mask, planted.mask))
            points.append(own)
    if len(points) < wanted:
        raise ValueError(f"{wanted} fractures do not fit on the {side} {APART_MM:.0f} mm apart: ask for fewer")
    return found
