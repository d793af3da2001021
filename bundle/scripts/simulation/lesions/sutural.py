"""Fractures at the sutures of a head: one that follows a suture and opens it, one that crosses it.

The *line* of a suture are points along it, mm from the centre of the brain. Heads of the widened population have
sutures of their own; where a head has none on the side in question, the line is where one usually runs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..anatomy.braincase import Array, Braincase
from .cuts import (
    LOWEST_ELEVATION_DEG,
    WOBBLE_MM,
    WOBBLE_WAVES_MM,
    Gap,
    block,
    calvaria_in,
    cut,
    frame_at,
    tangents,
    tapered,
    waves,
)
from .fractures import SUTURE_LENGTH_MM, SUTURE_WIDTH_MM, SUTURES
from .growth import Lesion, Volume

CROSSING_LENGTH_MM = (40.0, 90.0)
"""Length of a fracture that crosses a suture."""

CROSSING_DEG, CROSSING_SHIFT = 30.0, 0.25
"""Largest deviation of the crossing from a right angle, and of its place from the middle, as a share of the length."""

CROSSED_ELEVATION_DEG = 12.0
"""Least elevation of the place that is crossed, so that the calvaria has room on both sides of it."""

SHORTEST_MM, LATERAL_MM = 30.0, 10.0
"""Shortest line that can be followed, and the least mean distance from the mid-plane of a suture of one side."""

BONE_MM = 15.0
"""Margin around a line that holds the bone beneath."""

STRAIGHT_MM, USUAL_STEP_MM, USUAL_DEG = 8.0, 0.4, 40.0
"""Length over which teeth are smoothed away, and step and reach of a usual line on both sides of its middle."""


def along_suture(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """A suture of `side` that gapes along its own course; see `planting.plant_lesion`."""
    line, along_mm = suture_line(case, side, rng, gap.sutures, LOWEST_ELEVATION_DEG)
    length_mm = min(rng.uniform(*SUTURE_LENGTH_MM), along_mm[-1])
    width_mm, start_mm = rng.uniform(*SUTURE_WIDTH_MM), rng.uniform(0, along_mm[-1] - length_mm)
    part = (along_mm >= start_mm) & (along_mm <= start_mm + length_mm)
    share = (along_mm[part] - start_mm) / length_mm
    box = block(case, line[part], BONE_MM)
    offsets = case.offsets_mm(box)
    bone = calvaria_in(case, box, offsets, side)
    radius = np.linalg.norm(offsets, axis=-1)
    aside_mm, wide_mm = np.full(bone.shape, np.inf), np.zeros(bone.shape)
    tree = cKDTree(line[part] / np.linalg.norm(line[part], axis=1, keepdims=True))
    away, nearest = tree.query(offsets[bone] / radius[bone, None])
    aside_mm[bone] = away * radius[bone]
    wide_mm[bone] = width_mm * np.clip(4 * (1 - np.abs(2 * share[nearest] - 1)), 0, 1)
    return cut(hu, case, box, bone, aside_mm, wide_mm, gap.hu)


def across_suture(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """A linear fracture that crosses a suture of `side`; see `planting.plant_lesion`."""
    line, _ = suture_line(case, side, rng, gap.sutures, CROSSED_ELEVATION_DEG)
    place = int(rng.uniform(0.15, 0.85) * len(line))
    width_mm, length_mm = gap.width(rng), rng.uniform(*CROSSING_LENGTH_MM)
    out = line[place] / np.linalg.norm(line[place])
    toward = _smoothed(line)[[max(place - 10, 0), min(place + 10, len(line) - 1)]]
    level, up = tangents(out)
    course = toward[1] - toward[0]
    turn = np.arctan2(course @ up, course @ level) + np.pi / 2 + np.deg2rad(rng.uniform(-1, 1) * CROSSING_DEG)
    shift_mm = rng.uniform(-1, 1) * CROSSING_SHIFT * length_mm
    frame = frame_at(case, side, out, turn, length_mm / 2 + abs(shift_mm) + WOBBLE_MM)
    middle_mm = frame.along_mm - shift_mm
    aside_mm = frame.across_mm + waves(middle_mm, rng, WOBBLE_WAVES_MM, WOBBLE_MM)
    return cut(hu, case, frame.box, frame.bone, aside_mm, tapered(middle_mm, length_mm / 2, width_mm), gap.hu)


def suture_line(
    case: Braincase, side: str, rng: np.random.Generator, sutures: Mapping[str, Array], lowest_deg: float
) -> tuple[Array, Array]:
    """A line (n, 3) of `side` above an elevation, and the way (n,) along it without its teeth, mm."""
    found = []
    for points in sutures.values():
        line = points * case.spacing_mm - case.centre_mm
        high = line[:, 2] > np.sin(np.deg2rad(lowest_deg)) * np.linalg.norm(line, axis=1)
        lateral_mm = case.lateral_mm(line, side)
        part = line[high & (lateral_mm > 0)]
        if lateral_mm.mean() > LATERAL_MM and len(part) > 1 and _way(part)[-1] >= SHORTEST_MM:
            found.append((part, _way(part)))
    if found:
        return found[int(rng.integers(len(found)))]
    line = usual_line(case, side, rng)
    return line, _way(line)


def usual_line(case: Braincase, side: str, rng: np.random.Generator) -> Array:
    """The line (n, 3) where a suture of `side` usually runs."""
    suture = SUTURES[rng.integers(len(SUTURES))]
    out = case.direction(side, rng.uniform(*suture.azimuth_deg), rng.uniform(*suture.elevation_deg))
    rise, (level, up) = np.deg2rad(rng.uniform(*suture.rise_deg)), tangents(out)
    course = np.cos(rise if side == "right" else np.pi - rise) * level + np.sin(rise) * up
    radius = case.tables_mm(out)[1]
    angle = np.arange(-np.deg2rad(USUAL_DEG), np.deg2rad(USUAL_DEG), USUAL_STEP_MM / radius)[:, None]
    line: Array = radius * (np.cos(angle) * out + np.sin(angle) * course)
    high = line[:, 2] > np.sin(np.deg2rad(CROSSED_ELEVATION_DEG)) * radius
    return np.asarray(line[high & (case.lateral_mm(line, side) > 0)])


def _way(line: Array) -> Array:
    """The way (n,) along a line (n, 3), mm, past its teeth."""
    steps = np.linalg.norm(np.diff(_smoothed(line), axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _smoothed(line: Array) -> Array:
    """A line (n, 3) without its teeth."""
    step_mm = float(np.linalg.norm(np.diff(line, axis=0), axis=1).mean())
    return np.asarray(ndimage.gaussian_filter1d(line, STRAIGHT_MM / step_mm, axis=0, mode="nearest"))
