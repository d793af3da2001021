"""Holes: connected parts of the calvaria in the field of view that have no bone.

A *hole* is a piece of the equal-area raster whose places have less than a share of the skull's median mass. Its
*diameter* is that of a disc of the same area on the own surface. From `DEFECT_MM` on it is surgery or a defect: no line
can be that wide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from ..geometry.coordinates import CENTRE_MM
from .atlas import Atlas
from .directions import RADIUS_MM, Array, Index
from .gaps import median_mass
from .lookup import PIXEL_MM
from .profiles import Profiles
from .surface import Surface

EMPTY_SHARE = 0.05
"""Share of the skull's median mass below which a place is empty: the thinnest bone, over the ear, has more."""

LEAST_MM, DEFECT_MM = 6.0, 15.0
"""Smallest diameter of a hole, and the one from which on it is a defect."""


class Hole(NamedTuple):
    """A hole: its middle (3,) in reference mm, its diameter in mm, and its fine places."""

    middle_mm: Array
    diameter_mm: float
    places: Index


def holes(found: Profiles, surface: Surface, atlas: Atlas) -> list[Hole]:
    """The holes of a skull, the largest first."""
    empty = np.append(found.known & (found.mass < EMPTY_SHARE * median_mass(found)), False)
    raster = atlas.nearest.nearest
    pieces, count = ndimage.label(empty[raster])
    listed = []
    for number, box in enumerate(ndimage.find_objects(pieces, count), start=1):
        places, pixels = np.unique(raster[box][pieces[box] == number], return_counts=True)
        points = surface.points_mm[places]
        radius = np.linalg.norm(points - np.array(CENTRE_MM), axis=1).mean()
        diameter = float(2 * np.sqrt(pixels.sum() / np.pi) * PIXEL_MM * radius / RADIUS_MM)
        if diameter >= LEAST_MM:
            listed.append(Hole(points.mean(axis=0), diameter, places))
    return sorted(listed, key=lambda hole: -hole.diameter_mm)
