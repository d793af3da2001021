"""Cuts through the calvaria: where a fracture lies, and how bone is cut along a line.

The *calvaria* is the bone above the skull base that a ray from the middle of the brain meets. A fracture starts from an
*anchor*, the point of the outer table in a direction; the unit vector `out` points from the brain to it and two
tangents, `along` and `across`, complete the *frame*. A *cut* is the slab |aside| <= width / 2, with a distance `aside`
from the line and a width at each voxel; a voxel that it covers in part gets the covered share of the gap's HU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..anatomy.braincase import Array, Braincase, Mask
from .growth import Lesion, Volume

WIDTH_MM = (0.5, 3.0)
"""Width of the gap of a fracture that follows no suture."""

WOBBLE_MM, WOBBLE_WAVES_MM = 2.5, (15.0, 60.0)
"""Largest deviation of a fracture line from a plane, and the wavelengths of the deviation."""

LEAST_SHARE = 0.2
"""A voxel belongs to the mask of a cut if the gap takes at least this share of its bone."""

AZIMUTH_DEG, ELEVATION_DEG = (-65.0, 65.0), (15.0, 60.0)
"""Directions that a fracture may be centred on: see `Braincase.direction`."""

LOWEST_ELEVATION_DEG = 0.0
"""Bone below belongs to the skull base and the face."""


@dataclass(frozen=True)
class Gap:
    """What is asked of a fracture beside its kind and side; None is drawn.

    Attributes:
        hu: HU of the gap.
        width_mm: width of the gap, of fractures that follow no suture.
        count: number of fractures, where a head has several.
        sutures: points (n, 3) along the outer table of each suture of the head by its name, voxel positions.
    """

    hu: float
    width_mm: float | None = None
    count: int | None = None
    sutures: Mapping[str, Array] = field(default_factory=dict)

    def width(self, rng: np.random.Generator) -> float:
        """The width that was asked for, mm, or a drawn one; the same random numbers are used up."""
        drawn = float(rng.uniform(*WIDTH_MM))
        return drawn if self.width_mm is None else self.width_mm


class Frame(NamedTuple):
    """Place of a fracture: a block of the grid and its voxels' coordinates (i, j, k), mm, along three unit vectors."""

    box: tuple[slice, ...]
    out_mm: Array
    """From the outer table at the anchor, positive away from the brain."""
    along_mm: Array
    across_mm: Array
    out: Array
    """Unit vector (3,)."""
    bone: Mask
    """The calvaria on the side of the fracture (i, j, k)."""


def tangents(out: Array) -> tuple[Array, Array]:
    """The unit vectors (3,) along the skull at an anchor that are level, and that point upward."""
    up = np.array([0.0, 0, 1]) - out * out[2]
    up /= np.linalg.norm(up)
    return np.cross(up, out), up


def block(case: Braincase, points_mm: Array, margin_mm: float) -> tuple[slice, ...]:
    """The block of the grid around points (n, 3), mm from the centre of the brain, with a margin."""
    first = np.floor((case.centre_mm + points_mm.min(axis=0) - margin_mm) / case.spacing_mm).astype(int)
    last = np.ceil((case.centre_mm + points_mm.max(axis=0) + margin_mm) / case.spacing_mm).astype(int)
    return tuple(slice(max(a, 0), min(b + 1, n)) for a, b, n in zip(first, last, case.labels.shape, strict=True))


def calvaria_in(case: Braincase, box: tuple[slice, ...], offsets_mm: Array, side: str) -> Mask:
    """The calvaria of a side in a block (i, j, k), whose voxels lie at offsets (i, j, k, 3) from the brain's centre."""
    lowest = np.sin(np.deg2rad(LOWEST_ELEVATION_DEG))
    elevated = offsets_mm[..., 2] > lowest * np.linalg.norm(offsets_mm, axis=-1)
    return np.asarray(case.bone[box] & elevated & (case.lateral_mm(offsets_mm, side) > 0))


def frame_at(case: Braincase, side: str, out: Array, turn: float, reach_mm: float) -> Frame:
    """The surroundings of the point of the calvaria of `side` in a direction, its tangents turned by `turn`."""
    anchor_mm = case.tables_mm(out)[1] * out
    level, up = tangents(out)
    along = np.cos(turn) * level + np.sin(turn) * up
    box = block(case, anchor_mm[None], reach_mm)
    offsets = case.offsets_mm(box)
    bone = calvaria_in(case, box, offsets, side)
    rest = offsets - anchor_mm
    return Frame(box, rest @ out, rest @ along, rest @ np.cross(out, along), out, bone)


def anywhere(case: Braincase, side: str, rng: np.random.Generator, reach_mm: float) -> Frame:
    """The surroundings of a random point of the calvaria of `side`."""
    out = case.direction(side, rng.uniform(*AZIMUTH_DEG), rng.uniform(*ELEVATION_DEG))
    return frame_at(case, side, out, rng.uniform(0, 2 * np.pi), reach_mm)


def waves(along_mm: Array, rng: np.random.Generator, lengths_mm: tuple[float, float], largest_mm: float) -> Array:
    """A smooth sideways shift (mm) of a fracture line: a few sine waves of random phase."""
    waves_mm, phases = rng.uniform(*lengths_mm, 3), rng.uniform(0, 2 * np.pi, 3)
    shift: Array = sum(
        (np.sin(2 * np.pi * along_mm / wave + phase) for wave, phase in zip(waves_mm, phases, strict=True)),
        np.zeros_like(along_mm),
    )
    return shift * largest_mm / 3


def tapered(along_mm: Array, half_mm: float, width_mm: float) -> Array:
    """The width of a cut along its line, mm: largest in the middle, 0 from `half_mm` on."""
    return np.asarray(width_mm * np.sqrt(np.clip(1 - (along_mm / half_mm) ** 2, 0, 1)))


def covered(case: Braincase, aside_mm: Array, width_mm: Array) -> Array:
    """The share of each voxel that a cut takes, by the voxel's distance from the line and the width there."""
    voxel_mm = float(np.prod(case.spacing_mm) ** (1 / 3))
    low = np.maximum(np.abs(aside_mm) - voxel_mm / 2, -width_mm / 2)
    high = np.minimum(np.abs(aside_mm) + voxel_mm / 2, width_mm / 2)
    return np.clip((high - low) / voxel_mm, 0, 1)


def cut(
    hu: Volume, case: Braincase, box: tuple[slice, ...], bone: Mask, aside_mm: Array, width_mm: Array, gap_hu: float
) -> Lesion:
    """A head whose bone (i, j, k), in a block of the grid, is cut where it lies less than half a width aside."""
    share = covered(case, aside_mm, width_mm) * bone
    painted, mask = hu.astype(np.float32, copy=True), np.zeros(hu.shape, np.uint8)
    painted[box] += share * (gap_hu - painted[box])
    mask[box] = share > LEAST_SHARE
    return Lesion(painted, np.asarray(case.labels, dtype=np.int16), mask)
