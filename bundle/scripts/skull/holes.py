"""Holes: connected parts of the calvaria in the field of view that have no bone.

A *hole* is a piece of the equal-area raster whose places have less than a share of the skull's median mass. Its
*diameter* is that of a disc of the same area on the own surface. Its *rim* is the median mass of the bone around it, as
a share of the skull's. Thin bone, over the ear say, may have holes with a thin rim; a burr hole or a defect has
been cut into bone of usual thickness. Its *width* is the diameter of the largest disc inside it: a slit, a suture that
gapes say, is no hole. From `DEFECT_MM` on it is surgery or a defect: no line can be that wide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
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

LEAST_MM, BURR_MM, DEFECT_MM = 6.0, 9.0, 15.0
"""Smallest diameter of a hole, and those from which on it is at least a burr hole, and surgery or a defect."""


RIM_MM, LEAST_RIM = (2.0, 6.0), 0.4
"""Distances between which the rim lies, and the least one of a burr hole or a defect."""

LEAST_WIDTH_MM = 4.0
"""Least width of a burr hole or a defect; the raster shows widths smaller far from the vertex, by half at its rim."""

ANY_RIM_MM = 25.0
"""Diameter from which on the rim does not matter."""


class Hole(NamedTuple):
    """A hole: its middle (3,) in reference mm, its diameter in mm, its fine places, its rim, and its width in mm."""

    middle_mm: Array
    diameter_mm: float
    places: Index
    rim: float = 1.0
    width_mm: float = np.inf

    @property
    def noted(self) -> bool:
        """True if it is at least a burr hole, and no thin bone and no slit."""
        if self.width_mm < LEAST_WIDTH_MM:
            return False
        return self.diameter_mm >= BURR_MM and (self.rim >= LEAST_RIM or self.diameter_mm >= ANY_RIM_MM)


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
        pixel_mm = PIXEL_MM * radius / RADIUS_MM
        diameter = float(2 * np.sqrt(pixels.sum() / np.pi) * pixel_mm)
        if diameter >= LEAST_MM:
            rim = rim_of(pieces, number, box, raster, found)
            inner = ndimage.distance_transform_edt(np.pad(pieces[box] == number, 1)).max()
            listed.append(Hole(points.mean(axis=0), diameter, places, rim, float(2 * inner * pixel_mm)))
    return sorted(listed, key=lambda hole: -hole.diameter_mm)


def rim_of(pieces: NDArray[np.int32], number: int, box: tuple[slice, ...], raster: Index, found: Profiles) -> float:
    """Median mass around a piece of a raster, as a share of the skull's; `box` holds the piece."""
    inner, outer = (round(distance / PIXEL_MM) for distance in RIM_MM)
    wide = tuple(slice(max(part.start - outer, 0), part.stop + outer) for part in box)
    own = pieces[wide] == number
    away = ndimage.distance_transform_edt(~own)
    places = np.unique(raster[wide][(away >= inner) & (away <= outer)])
    around = places[places < len(found.mass)]
    around = around[found.known[around]]
    return float(np.median(found.mass[around])) / max(median_mass(found), 1e-9) if len(around) else 0.0
