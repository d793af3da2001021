"""Fractures of the calvaria: a line that is cut through it, a suture that gapes, a piece that is pushed in.

The *calvaria* is the bone above the skull base that a ray from the middle of the brain meets. A fracture starts from an
*anchor*, the point of the outer table in a random direction; the unit vector `out` points from the brain to it and two
tangents, `along` and `across`, complete the frame.

A *linear* fracture is the slab |s| <= width / 2 with s = (p - anchor) . across + wobble((p - anchor) . along); a voxel
that it covers in part gets the covered share of the gap's HU. A *diastatic* one is a wider cut along the course of the
coronal or the lambdoid suture, with teeth. A *depressed* one moves the bone inside of a cone of
radius R inward by depth * (1 - (rho / R)^sharpness); soft tissue fills the place that the bone left.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.braincase import Array, Braincase, Mask
from .growth import Lesion, Volume

WIDTH_MM = (0.5, 3.0)
"""Width of a linear fracture."""

LENGTH_MM = (30.0, 90.0)
"""Length of a linear fracture along the skull."""

WOBBLE_MM, WOBBLE_WAVES_MM = 2.5, (15.0, 60.0)
"""Largest deviation of a linear fracture from a plane, and the wavelengths of the deviation."""

SUTURE_WIDTH_MM, SUTURE_LENGTH_MM = (2.0, 4.0), (50.0, 90.0)
"""A suture gapes from 2 mm on in an adult."""

TEETH_MM, TEETH_WAVES_MM = 2.5, (6.0, 25.0)
"""Lateral reach of the teeth of a suture, and their lengths."""

RADIUS_MM = (9.0, 18.0)
"""Radius of the piece that is pushed in."""

DEPTH_MM = (5.0, 13.0)
"""Depth to which its middle is pushed in: more than the thickness of the bone is what surgeons call significant."""

SHARPNESS = (1.0, 4.0)
"""Exponent of its profile: 1 a cone of fragments that meet in the middle, 4 a plate."""

GAP_HU = (30.0, 65.0)
"""HU of the gap, which is filled by scalp, blood or brain."""

LEAST_SHARE = 0.2
"""A voxel belongs to the mask of a linear fracture if the gap takes at least this share of its bone."""

AZIMUTH_DEG, ELEVATION_DEG = (-65.0, 65.0), (15.0, 60.0)
"""Directions that a fracture may be centred on: see `Braincase.direction`."""

LOWEST_ELEVATION_DEG = 0.0
"""Bone below belongs to the skull base and the face."""


class Suture(NamedTuple):
    """Course of a suture on the right: ranges of the direction of its middle, and its slope toward the front.

    Up is 90 deg, and more is up and back.
    """

    azimuth_deg: tuple[float, float]
    elevation_deg: tuple[float, float]
    rise_deg: tuple[float, float]


SUTURES = (Suture((22.0, 38.0), (32.0, 48.0), (105.0, 125.0)), Suture((-62.0, -50.0), (14.0, 30.0), (115.0, 140.0)))
"""Coronal and lambdoid suture."""


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


def _frame(case: Braincase, side: str, out: Array, turn: float, reach_mm: float) -> Frame:
    """The surroundings of the point of the calvaria of `side` in a direction, its tangents turned by `turn`."""
    anchor_mm = case.tables_mm(out)[1] * out
    up = np.array([0.0, 0, 1]) - out * out[2]
    up /= np.linalg.norm(up)
    along = np.cos(turn) * np.cross(up, out) + np.sin(turn) * up
    first = np.floor((case.centre_mm + anchor_mm - reach_mm) / case.spacing_mm).astype(int)
    last = np.ceil((case.centre_mm + anchor_mm + reach_mm) / case.spacing_mm).astype(int)
    box = tuple(slice(max(a, 0), min(b + 1, n)) for a, b, n in zip(first, last, case.labels.shape, strict=True))
    offsets = case.offsets_mm(box)
    elevated = offsets[..., 2] > np.sin(np.deg2rad(LOWEST_ELEVATION_DEG)) * np.linalg.norm(offsets, axis=-1)
    bone = case.bone[box] & elevated & (case.lateral_mm(offsets, side) > 0)
    rest = offsets - anchor_mm
    return Frame(box, rest @ out, rest @ along, rest @ np.cross(out, along), out, bone)


def _anywhere(case: Braincase, side: str, rng: np.random.Generator, reach_mm: float) -> Frame:
    """The surroundings of a random point of the calvaria of `side`."""
    out = case.direction(side, rng.uniform(*AZIMUTH_DEG), rng.uniform(*ELEVATION_DEG))
    return _frame(case, side, out, rng.uniform(0, 2 * np.pi), reach_mm)


def _waves(along_mm: Array, rng: np.random.Generator, lengths_mm: tuple[float, float], largest_mm: float) -> Array:
    """A smooth sideways shift (mm) of a fracture line: a few sine waves of random phase."""
    waves_mm, phases = rng.uniform(*lengths_mm, 3), rng.uniform(0, 2 * np.pi, 3)
    shift: Array = sum(
        (np.sin(2 * np.pi * along_mm / wave + phase) for wave, phase in zip(waves_mm, phases, strict=True)),
        np.zeros_like(along_mm),
    )
    return shift * largest_mm / 3


def linear(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap_hu: float) -> Lesion:
    """A cut through the calvaria of `side`; see `lesions.plant_lesion`."""
    half_mm, width_mm = rng.uniform(*LENGTH_MM) / 2, rng.uniform(*WIDTH_MM)
    frame = _anywhere(case, side, rng, half_mm + WOBBLE_MM)
    aside_mm = frame.across_mm + _waves(frame.along_mm, rng, WOBBLE_WAVES_MM, WOBBLE_MM)
    tapered_mm = width_mm * np.sqrt(np.clip(1 - (frame.along_mm / half_mm) ** 2, 0, 1))
    return _cut(hu, case, frame, aside_mm, tapered_mm, gap_hu)


def diastatic(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap_hu: float) -> Lesion:
    """A suture of `side` that gapes; see `lesions.plant_lesion`."""
    suture = SUTURES[rng.integers(len(SUTURES))]
    half_mm, width_mm = rng.uniform(*SUTURE_LENGTH_MM) / 2, rng.uniform(*SUTURE_WIDTH_MM)
    out = case.direction(side, rng.uniform(*suture.azimuth_deg), rng.uniform(*suture.elevation_deg))
    turn = np.deg2rad(rng.uniform(*suture.rise_deg))
    frame = _frame(case, side, out, turn if side == "right" else np.pi - turn, half_mm + WOBBLE_MM)
    aside_mm = frame.across_mm + _waves(frame.along_mm, rng, TEETH_WAVES_MM, TEETH_MM)
    tapered_mm = width_mm * np.clip(4 * (1 - np.abs(frame.along_mm) / half_mm), 0, 1)
    return _cut(hu, case, frame, aside_mm, tapered_mm, gap_hu)


def _cut(hu: Volume, case: Braincase, frame: Frame, aside_mm: Array, width_mm: Array, gap_hu: float) -> Lesion:
    """A head whose bone is cut where it lies less than half a width aside; voxels in part where they are in part."""
    voxel_mm = float(np.prod(case.spacing_mm) ** (1 / 3))
    low = np.maximum(np.abs(aside_mm) - voxel_mm / 2, -width_mm / 2)
    high = np.minimum(np.abs(aside_mm) + voxel_mm / 2, width_mm / 2)
    share = np.clip((high - low) / voxel_mm, 0, 1) * frame.bone
    painted, mask = hu.astype(np.float32, copy=True), np.zeros(hu.shape, np.uint8)
    painted[frame.box] += share * (gap_hu - painted[frame.box])
    mask[frame.box] = share > LEAST_SHARE
    return Lesion(painted, np.asarray(case.labels, dtype=np.int16), mask)


def depressed(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap_hu: float) -> Lesion:
    """A piece of the calvaria of `side` pushed in; see `lesions.plant_lesion`."""
    radius_mm, depth_mm = rng.uniform(*RADIUS_MM), rng.uniform(*DEPTH_MM)
    frame = _anywhere(case, side, rng, radius_mm + depth_mm + 8)
    rho = np.hypot(frame.along_mm, frame.across_mm) / radius_mm
    inside = (rho < 1) & (frame.out_mm > -radius_mm - depth_mm)
    inward_mm = np.where(inside, depth_mm * (1 - rho ** rng.uniform(*SHARPNESS)), 0)
    before = hu[frame.box].astype(float)
    moved_share, moved_hu = _moved(before, frame, inward_mm, case.spacing_mm, inside)
    after = np.where(frame.bone & inside, gap_hu, before)
    after += moved_share * (moved_hu - after)
    painted, mask = hu.astype(np.float32, copy=True), np.zeros(hu.shape, np.uint8)
    painted[frame.box] = after
    mask[frame.box] = inside & (frame.bone | (moved_share > 0.5))
    return Lesion(painted, np.asarray(case.labels, dtype=np.int16), mask)


def _moved(before: Array, frame: Frame, inward_mm: Array, spacing_mm: Array, inside: Mask) -> tuple[Array, Array]:
    """Share of bone in each voxel, and its HU, once the bone has moved inward."""
    grid = np.stack(np.meshgrid(*map(np.arange, before.shape), indexing="ij")).astype(float)
    source = grid + inward_mm * (frame.out / spacing_mm)[:, None, None, None]
    bone: NDArray[np.float64] = (frame.bone & inside).astype(float)
    share = ndimage.map_coordinates(bone, source, order=1)
    bone_hu = ndimage.map_coordinates(bone * before, source, order=1)
    return share * inside, bone_hu / np.maximum(share, 1e-6)
