"""The sutures of a healthy skull, drawn as gaps thinner than a voxel (see `carving.py`).

The *sagittal* suture runs in the mid-plane from bregma to lambda, the *coronal* ones from bregma down to the pterions,
the *lambdoid* ones from lambda to the asterions, the *squamosal* ones over the ears from pterion to asterion. A
*metopic* suture persists in front of bregma in some adults. *Wormian bones* are islands with a suture around them,
mostly near lambda. A suture is toothed at the outer table and nearly straight at the inner one. It is partly closed;
closure begins at the inner table. A suture on one side only is a variant, not a finding.

Widths and frequencies after Gray's Anatomy, and Sanchez et al., Pediatr Radiol 40 (2010), for children.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..anatomy.shell import Shell, direction
from .carving import Cloud, great_circle, sheet, sideways, tables_at, through, wander

Array = NDArray[np.float64]

LANDMARKS_DEG: dict[str, tuple[float, float]] = {
    "bregma": (90.0, 66.0),
    "lambda": (270.0, 26.0),
    "glabella": (90.0, -2.0),
    "pterion": (38.0, 0.0),
    "asterion": (-48.0, -14.0),
    "squama": (0.0, 14.0),
}
"""Azimuth and elevation of each landmark, on the right or in the mid-plane."""

JITTER_DEG, SIDE_JITTER_DEG = 3.5, 1.5
"""Deviations of a landmark's place, shared and per side: 3.5 degrees are 5 mm; both are clipped at twice their size."""


@dataclass(frozen=True)
class Course:
    """The course and look of a suture.

    Attributes:
        stations: landmarks along it.
        share: share of heads in which it is visible.
        teeth_mm: lateral reach of its teeth at the outer table, two deviations.
        bevel_mm: lateral distance between its ends at the outer and the inner table.
    """

    stations: tuple[str, ...]
    share: float
    teeth_mm: float
    bevel_mm: float = 0.0


COURSES = {
    "sagittal": Course(("bregma", "lambda"), 0.92, 2.5),
    "metopic": Course(("bregma", "glabella"), 0.07, 1.5),
    "coronal": Course(("bregma", "pterion"), 0.95, 1.6),
    "lambdoid": Course(("lambda", "asterion"), 0.97, 2.8),
    "squamosal": Course(("pterion", "squama", "asterion"), 0.9, 0.6, 4.0),
}
PAIRED = ("coronal", "lambdoid", "squamosal")

ONE_SIDED_SHARE = 0.08
"""Share of paired sutures that are visible on one side only."""

WIDTH_MM, WIDTH_UNEVENNESS = (0.2, 0.8), 0.4
"""Range of the width of a suture, and its deviation along the way, relative to it."""

CLOSED_SHARES = (0.0, 0.5)
"""Range of the share of a suture that is closed."""

CLOSED_MM, WIDTH_WAVE_MM, TEETH_WAVE_MM, STRAY_MM, STRAY_WAVE_MM = 18.0, 8.0, 5.0, 1.5, 35.0
"""Lengths over which closure, width and teeth of a suture vary; then the deviation from the shortest way, and the
length over which that varies."""

INNER_TEETH = 0.15
"""Reach of the teeth at the inner table, relative to the outer one."""

WORMIAN_SHARE, WORMIAN_MM, MOST_WORMIAN = 0.2, (3.0, 9.0), 3
"""Share of heads with Wormian bones, the range of their radii, and their largest number."""

SUTURE_HU = (35.0, 75.0)
"""Range of the HU of the fibrous tissue in sutures."""

CHILD_WIDER, CHILD_CLOSED = 2.0, 0.1
"""Factors on the width of sutures and on their closed share in children."""


@dataclass(frozen=True)
class Sutures:
    """The visible sutures of a skull.

    Attributes:
        names: keys of `COURSES`, the paired ones with " right" or " left".
        width_mm: mean width.
        closed: share of their length that is closed.
        wormian: number of Wormian bones.
        hu: HU of the tissue in them.
    """

    names: tuple[str, ...] = ()
    width_mm: float = 0.4
    closed: float = 0.3
    wormian: int = 0
    hu: float = 50.0


def draw_sutures(rng: np.random.Generator) -> Sutures:
    """The sutures of a random skull."""
    names: list[str] = []
    for name, course in COURSES.items():
        sides = [f"{name} right", f"{name} left"] if name in PAIRED else [name]
        seen = rng.random() < course.share
        alone, other = rng.random() < ONE_SIDED_SHARE and name in PAIRED, int(rng.integers(2))
        names += (sides[other : other + 1] if alone else sides) if seen else []
    wormian = int(rng.integers(1, MOST_WORMIAN + 1)) if rng.random() < WORMIAN_SHARE else 0
    width, closed, hu = rng.uniform(*WIDTH_MM), rng.uniform(*CLOSED_SHARES), rng.uniform(*SUTURE_HU)
    return Sutures(tuple(names), float(width), float(closed), wormian, float(hu))


def landmarks(rng: np.random.Generator) -> dict[str, Array]:
    """Directions (3,) of a skull's landmarks: those beside the mid-plane with " right" and " left"."""
    found = {}
    for name, place in LANDMARKS_DEG.items():
        azimuth, elevation = place + np.clip(JITTER_DEG * rng.standard_normal(2), -2 * JITTER_DEG, 2 * JITTER_DEG)
        if place[0] in (90.0, 270.0):
            found[name] = direction(place[0] + 0.3 * (azimuth - place[0]), elevation)
            continue
        for side in ("right", "left"):
            own = SIDE_JITTER_DEG * np.clip(rng.standard_normal(2), -2, 2)
            turned = azimuth + own[0] if side == "right" else 180 - azimuth - own[0]
            found[f"{name} {side}"] = direction(turned, elevation + own[1])
    return found


def suture_clouds(shell: Shell, sutures: Sutures, rng: np.random.Generator) -> list[Cloud]:
    """The clouds of the sutures of a skull, to be carved from its bone."""
    at = landmarks(rng)
    clouds = [sheet(shell, *_laid(name, at, sutures, rng)) for name in sutures.names]
    for _ in range(sutures.wormian):
        clouds.append(_island(shell, at["lambda"], at, sutures, rng))
    return clouds


def suture_lines(shell: Shell, sutures: Sutures, rng: np.random.Generator) -> dict[str, Array]:
    """Points (n, 3) along the outer table of each suture of a skull, closed parts included, voxel positions.

    The same random numbers give the lines of the clouds of `suture_clouds`.
    """
    at, lines = landmarks(rng), {}
    for name in sutures.names:
        laid = _laid(name, at, sutures, rng)
        _, outer = tables_at(shell, laid.path)
        lines[name] = shell.middle + laid.path * outer[:, None] + sideways(laid.path) * laid.aside_mm[:, 1:]
    return lines


class Laid(NamedTuple):
    """A suture as `carving.sheet` takes it."""

    path: Array
    aside_mm: Array
    width_mm: Array
    depths: Array


def _laid(name: str, at: dict[str, Array], sutures: Sutures, rng: np.random.Generator) -> Laid:
    """One suture by its name, between landmarks."""
    kind, _, side = name.partition(" ")
    course = COURSES[kind]
    path = through(np.array([at.get(f"{station} {side}", at.get(station)) for station in course.stations]))
    count = len(path)
    stray = STRAY_MM * wander(count, STRAY_WAVE_MM, rng)
    ends = np.minimum(np.minimum(np.arange(count), count - 1 - np.arange(count)) / (0.1 * count), 1)
    teeth = 0.5 * course.teeth_mm * wander(count, TEETH_WAVE_MM, rng)
    bevel = -course.bevel_mm if side == "left" else course.bevel_mm
    aside = np.stack([stray + INNER_TEETH * teeth, stray + teeth + bevel], axis=1) * ends[:, None]
    width = sutures.width_mm * np.clip(1 + WIDTH_UNEVENNESS * wander(count, WIDTH_WAVE_MM, rng), 0.3, 2)
    state = wander(count, CLOSED_MM, rng)
    limit = np.quantile(state, sutures.closed)
    inside = 0.8 * np.clip((np.quantile(state, min(2 * sutures.closed, 1)) - state), 0, 1)
    depths = np.stack([np.where(sutures.closed > 0, inside, 0), np.ones(count)], axis=1)
    return Laid(path, aside, np.where(state >= limit, width, 0), depths)


def _island(shell: Shell, middle: Array, at: dict[str, Array], sutures: Sutures, rng: np.random.Generator) -> Cloud:
    """The suture around a Wormian bone, somewhere along a lambdoid suture."""
    asterion = at[f"asterion {('right', 'left')[int(rng.integers(2))]}"]
    way = great_circle(middle, asterion)
    out = way[int(rng.uniform(0, 0.6) * len(way))]
    first = np.cross(out, (0.0, 0.0, 1.0)) / np.linalg.norm(np.cross(out, (0.0, 0.0, 1.0)))
    second = np.cross(out, first)
    turns = np.linspace(0, 2 * np.pi, 10)
    radius = rng.uniform(*WORMIAN_MM) / 85 * rng.uniform(0.7, 1.3, 10)
    radius[-1] = radius[0]
    ring = out + radius[:, None] * (np.cos(turns)[:, None] * first + np.sin(turns)[:, None] * second)
    path = through(ring / np.linalg.norm(ring, axis=1, keepdims=True))
    teeth = 0.7 * wander(len(path), TEETH_WAVE_MM, rng)
    width = sutures.width_mm * np.clip(1 + WIDTH_UNEVENNESS * wander(len(path), WIDTH_WAVE_MM, rng), 0.3, 2)
    full = np.tile((0.0, 1.0), (len(path), 1))
    return sheet(shell, path, np.stack([0.2 * teeth, teeth], axis=1), width, full)
