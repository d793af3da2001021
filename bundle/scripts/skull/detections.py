"""Detections: each unusual line, wide line or dent of a skull, with its bone, its ends, its length and its size.

The most unusual place comes first; what lies within `APART_MM` of a detection belongs to it, then comes the next one.
So lines that run closer together than this are one detection. A line is followed to its ends (see `paths`); its *width*
is the missing share of bone across it, times the distance, so that a line of half the bone's depth has half its width.
A dent reaches as far as it has half of its depth; its *length* is its largest extent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry.affines import transform_points
from .atlas import Atlas
from .bones import bone_of
from .directions import RADIUS_MM, Array, Index, frames
from .measure import Skull, start_near
from .paths import trace

KINDS = {"lines": "skull line", "wide": "skull wide line", "dents": "skull dent"}
"""Kind of a detection by the map that shows it."""

APART_MM = 20.0
"""The strength of a path reaches about so far beyond the end of a line."""

MOST = 12
"""Detections of a skull: more of them say that the scan is no usual one."""

ACROSS_MM, ASIDE_MM = 4.0, (5.0, 6.0)
"""Half of the range in which a line's width is measured, and the distances at which there is none of it."""

DENT_REACH_MM = 30.0
"""Largest distance from its deepest place to which a dent is followed."""


@dataclass(frozen=True, eq=False)
class Detection:
    """An unusual place of a skull.

    Attributes:
        map: the map that shows it.
        bone: name of the bone at its peak.
        ends_mm: both ends (2, 3), reference mm.
        peak_mm: the most unusual place (3,), reference mm.
        peak: how unusual it is there, in the unit of the score.
        length_mm: along the surface from end to end, or the largest extent of a dent.
        width_mm: of a line.
        depth_mm: of a dent.
        places: fine places along the line, or in the dent.
    """

    map: str
    bone: str
    ends_mm: Array
    peak_mm: Array
    peak: float
    length_mm: float
    width_mm: float | None
    depth_mm: float | None
    places: Index

    def row(self, matrix: Array) -> dict[str, Any]:
        """The row in `result.json`, in mm of the scan; `matrix` (4, 4) leads from there to reference mm."""
        back = np.linalg.inv(matrix)
        points = transform_points(back, np.vstack([self.ends_mm, self.peak_mm])).round(1).tolist()
        sizes = {"length_mm": self.length_mm, "width_mm": self.width_mm, "depth_mm": self.depth_mm}
        return {
            "region": "skull",
            "kind": KINDS[self.map],
            "bone": self.bone,
            "ends_mm": points[:2],
            "peak_mm": points[2],
            **{name: None if value is None else round(value, 1) for name, value in sizes.items()},
            "peak": round(self.peak, 3),
        }


def detections(skull: Skull, unusual: dict[str, Array], threshold: float, atlas: Atlas) -> list[Detection]:
    """The places of a skull whose value is above a threshold, the most unusual one first, `MOST` at most.

    `unusual` holds for each map how unusual every fine place is (rows, n), in the unit of the score.
    """
    best = {name: values.max(axis=0) for name, values in unusual.items()}
    found: list[Detection] = []
    while len(found) < MOST:
        name = max(best, key=lambda key: float(best[key].max()))
        place = int(best[name].argmax())
        if best[name][place] <= threshold:
            break
        one = _detected(skull, name, place, int(unusual[name][:, place].argmax()), float(best[name][place]), atlas)
        found.append(one)
        near = (atlas.fine @ atlas.fine[[*one.places, place]].T).max(axis=1) > np.cos(APART_MM / RADIUS_MM)
        best = {key: np.where(near, -np.inf, values) for key, values in best.items()}
    return found


def _detected(skull: Skull, name: str, place: int, row: int, peak: float, atlas: Atlas) -> Detection:
    """The detection at a fine place and in a row of a map."""
    points, width, depth = skull.surface.points_mm, None, None
    if name == "dents":
        places, depth = dent_around(skull.fine["dents"][0], place, atlas), float(skull.fine["dents"][0, place])
        ends = farthest(points[places])
        length = float(np.linalg.norm(ends[1] - ends[0]))
    else:
        valleys = skull.relative if name == "lines" else skull.beside
        start, line = start_near(valleys, place, row, atlas)
        places, length = trace(valleys, atlas.steps, start, line, points)
        ends, width = points[places[[0, -1]]], line_width(skull, places, atlas)
    return Detection(name, bone_of(atlas.fine[place]), ends, points[place], peak, length, width, depth, places)


def dent_around(depth_mm: NDArray[Any], place: int, atlas: Atlas) -> Index:
    """Fine places near one that have at least half of its depth; depths (n,)."""
    near = atlas.fine @ atlas.fine[place] > np.cos(DENT_REACH_MM / RADIUS_MM)
    return np.flatnonzero(near & (depth_mm >= depth_mm[place] / 2)).astype(np.int32)


def farthest(points_mm: Array) -> Array:
    """Two far ends (2, 3) of points (n, 3): from the one farthest from their middle to the one farthest from that."""
    first = points_mm[np.linalg.norm(points_mm - points_mm.mean(axis=0), axis=1).argmax()]
    return np.stack([first, points_mm[np.linalg.norm(points_mm - first, axis=1).argmax()]])


def line_width(skull: Skull, places: Index, atlas: Atlas) -> float:
    """Median width, mm, of the gap across a line of fine places."""
    along = np.gradient(atlas.fine[places], axis=0) if len(places) > 1 else frames(atlas.fine[places])[0]
    across = np.cross(atlas.fine[places], along)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    gap = np.append(np.where(skull.gaps.bone, skull.gaps.gap, np.nan), np.nan)

    def at(distance_mm: float) -> Array:
        there = atlas.fine[places] + across * distance_mm / RADIUS_MM
        return np.asarray(gap[atlas.nearest(there / np.linalg.norm(there, axis=1, keepdims=True))])

    steps = np.arange(-ACROSS_MM, ACROSS_MM + 0.5)
    inner = np.stack([at(step) for step in steps])
    outer = np.stack([at(side * distance) for side in (-1, 1) for distance in ASIDE_MM])
    level = np.nanmedian(outer, axis=0) if np.isfinite(outer).any() else 0.0
    widths = np.clip(np.nan_to_num(inner - level), 0, None).sum(axis=0) * (steps[1] - steps[0])
    return float(np.median(widths))
