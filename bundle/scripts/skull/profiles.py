"""The mass of bone along the normal of the surface, from `OUTSIDE_MM` outside to `INSIDE_MM` inside.

*Mass* is the sum of clip(HU - 150, 0, 1350) times the step, HU mm: 0 without bone, about 6000 in a calvaria of 7 mm.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .directions import Array
from .rays import View, sampled
from .surface import Surface

OUTSIDE_MM, INSIDE_MM, STEP_MM = 6.0, 22.0, 0.5
FROM_HU, RANGE_HU = 150.0, 1350.0

NEEDED_MM = (-3.0, 10.0)
"""Depths that have to lie in the field of view."""

BLOCK = 8_000
"""Places sampled at a time."""


class Profiles(NamedTuple):
    """Mass (n,) of bone at fine places, HU mm, and which places (n,) lie in the field of view."""

    mass: Array
    known: NDArray[np.bool_]


def profiles(seen: View, surface: Surface) -> Profiles:
    """The mass of bone of a scan along the normals of its surface."""
    depths = np.arange(-OUTSIDE_MM, INSIDE_MM + STEP_MM / 2, STEP_MM)
    needed = (depths >= NEEDED_MM[0]) & (depths <= NEEDED_MM[1])
    mass, known = np.empty(len(surface.normals)), np.empty(len(surface.normals), dtype=bool)
    for first in range(0, len(mass), BLOCK):
        part = slice(first, first + BLOCK)
        points = surface.points_mm[part, None] - depths[:, None] * surface.normals[part, None]
        hu, inside, head = sampled(seen, points.reshape(-1, 3)).rows(len(points))
        mass[part] = (np.clip(hu - FROM_HU, 0, RANGE_HU) * head).sum(axis=1) * STEP_MM
        known[part] = inside[:, needed].all(axis=1)
    return Profiles(mass, known)
