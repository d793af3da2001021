"""The skull of a scan measured: maps of narrow lines, wide lines and dents at pooled places, and its holes.

A *map* has a row for each line direction (`LINES`), or one row for dents, and a column for each pooled place. Nothing
here is calibrated yet: sutures are lines, too. See `calibration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.coordinates import CENTRE_MM
from .atlas import Atlas, atlas
from .dents import dents
from .directions import LINES, RADIUS_MM, Array, Index
from .gaps import Gaps, gap_map
from .holes import Hole, holes
from .lookup import mean
from .motion import motion_mm
from .paths import Values, strongest
from .pooling import known_share, pooled
from .profiles import profiles
from .rays import View, sampled, view
from .staircase import THICKEST_MM, in_plane, is_thick, is_too_thick, slice_normal, weights, without_rings
from .surface import SkullNotJudged, Surface, fine_surface, outermost, own_radii
from .valleys import local_noise, valleys

MAPS = ("lines", "wide", "dents")
"""Names of the maps, in the order of every output."""


LEAST_IN_VIEW = 0.5
"""Share of the calvaria below which a skull is not judged, as of any region."""

TURNS = 3
"""Line directions to either side among which a line's own is looked for: 45 degrees."""

AROUND_MM = 3.0
"""Distance from the strongest place within which the course of its line is looked for."""


@dataclass(frozen=True, eq=False)
class Skull:
    """The measurements of one skull.

    Attributes:
        maps: the map (rows, m) of each name.
        known: (m,) pooled places that the field of view holds.
        holes: the largest first.
        slices_mm: distance of the slices, the widest one where they were interpolated.
        motion_mm: displacement of slices against their neighbours, see `motion`; 0 where they were interpolated.
        surface: points and normals of fine places.
        gaps: gap map of fine places.
        relative: valleys (`LINES`, n) in units of local noise, which lines are traced in.
        beside: the same of wide lines.
        fine: the map (rows, n) of each name at fine places; `maps` holds its maxima.
    """

    maps: dict[str, Values]
    known: NDArray[np.bool_]
    holes: list[Hole]
    slices_mm: float
    motion_mm: float
    surface: Surface
    gaps: Gaps
    relative: Values
    beside: Values
    fine: dict[str, Values]

    @property
    def thick(self) -> bool:
        """True if the slices are so far apart that the scan belongs to the thick ones."""
        return is_thick(self.slices_mm)


def measure(hu: NDArray[Any], affine: Array, matrix: Array, usual_mm: Array, widest_gap_mm: float = 0.0) -> Skull:
    """The skull of a scan on its own grid.

    Args:
        hu: (I, J, K), HU; below `volume.KNOWN_FROM_HU` is outside the field of view.
        affine: (4, 4), voxel to scan mm.
        matrix: (4, 4), rigid, scan mm to reference mm.
        usual_mm: (m,) radii of the mean surface of healthy heads at coarse places.
        widest_gap_mm: largest distance of slices that were interpolated to this grid; 0 if none were.

    Raises:
        SkullNotJudged: too little of the calvaria is in the field of view, hardly any bone was found, or the slices are
            too far apart.
    """
    tables, seen = atlas(), view(hu, affine, matrix)
    check_view(seen, usual_mm, tables)
    normal, slices_mm = slice_normal(seen, widest_gap_mm)
    if is_too_thick(slices_mm):
        raise SkullNotJudged(f"The slices are {slices_mm:.1f} mm apart, more than {THICKEST_MM:.0f} mm.")
    outer_mm = outermost(seen, tables)
    radii_mm = own_radii(outer_mm, usual_mm, tables)
    surface = fine_surface(radii_mm, tables)
    found = profiles(seen, surface)
    gaps, weight = _without_staircase(gap_map(found, tables), normal, slices_mm, surface, tables)
    narrow = valleys(gaps, tables.narrow) * weight
    relative = np.asarray(narrow / local_noise(narrow, gaps, tables), dtype=np.float32)
    broad = valleys(gaps, tables.wide) * weight
    wide = np.asarray(broad / local_noise(broad, gaps, tables), dtype=np.float32)
    depth = mean(tables.to_fine, dents(outer_mm, usual_mm, tables), np.ones(len(tables.coarse)))
    dent = np.asarray(depth * found.known, dtype=np.float32)[None]
    maps: dict[str, Values] = {
        "lines": strongest(relative, tables.steps),
        "wide": strongest(wide, tables.steps),
        "dents": dent,
    }
    return Skull(
        maps={name: pooled(maps[name], tables) for name in MAPS},
        known=known_share(found.known, tables) >= 0.5,
        holes=holes(found, surface, tables),
        slices_mm=slices_mm,
        motion_mm=0.0 if widest_gap_mm else motion_mm(outer_mm, radii_mm, normal, slices_mm, tables),
        surface=surface,
        gaps=gaps,
        relative=relative,
        beside=wide,
        fine=maps,
    )


def check_view(seen: View, usual_mm: Array, tables: Atlas) -> None:
    """See that the field of view holds enough of the calvaria; `usual_mm` are the radii (m,) of the mean surface.

    Raises:
        SkullNotJudged: it does not.
    """
    points = tables.coarse * usual_mm[:, None] + np.array(CENTRE_MM)
    share = float(sampled(seen, points).known.mean())
    if share < LEAST_IN_VIEW:
        raise SkullNotJudged(f"The field of view holds {100 * share:.0f} % of the calvaria.")


def _without_staircase(
    gaps: Gaps, normal: Array, slices_mm: float, surface: Surface, tables: Atlas
) -> tuple[Gaps, Values | float]:
    """The gap map and the weights of valleys, as the distance of the slices asks for."""
    if not is_thick(slices_mm):
        return gaps, 1.0
    along = in_plane(surface, normal)
    return without_rings(gaps, along, tables), weights(along, tables)


def start_of(skull: Skull, place: int, line: int, tables: Atlas) -> tuple[int, int]:
    """The fine place and the line direction of the highest valley near a pooled place and a line direction."""
    near: Index = np.flatnonzero(tables.pooled_cell == place).astype(np.int32)
    return _highest(skull.relative, near, line)


def start_near(valleys: Values, place: int, line: int, tables: Atlas) -> tuple[int, int]:
    """The fine place and the line direction of the highest of valleys (`LINES`, n) around a fine place."""
    near: Index = np.flatnonzero(tables.fine @ tables.fine[place] > np.cos(AROUND_MM / RADIUS_MM)).astype(np.int32)
    return _highest(valleys, near, line)


def _highest(valleys: Values, near: Index, line: int) -> tuple[int, int]:
    """Place and line direction of the highest valley among some places, within `TURNS` of a line direction.

    Strengths are capped, so that several directions of one line may be equally strong; valleys are not.
    """
    turns = (line + np.arange(-TURNS, TURNS + 1)) % LINES
    row, column = np.unravel_index(int(valleys[np.ix_(turns, near)].argmax()), (len(turns), len(near)))
    return int(near[column]), int(turns[row])
