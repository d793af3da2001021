"""Fractures of the calvaria: a line that is cut through it, a suture that gapes, a piece that is pushed in.

Frames and cuts are those of `cuts.py`. A *linear* fracture is a cut along s = (p - anchor) . across + wobble((p -
anchor) . along). A *diastatic* one is a wider cut about where the coronal or the lambdoid suture usually runs, with
teeth. A *depressed* one moves the bone inside of a cone of radius R inward by depth * (1 - (rho / R)^sharpness); soft
tissue fills the place that the bone left. Its bone is bent and not parted: it has no gap.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.braincase import Array, Braincase, Mask
from .cuts import WOBBLE_MM, WOBBLE_WAVES_MM, Frame, Gap, anywhere, cut, frame_at, tapered, waves
from .growth import Lesion, Volume

LENGTH_MM = (30.0, 90.0)
"""Length of a linear fracture along the skull."""

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


class Suture(NamedTuple):
    """Course of a suture on the right: ranges of the direction of its middle, and its slope toward the front.

    Up is 90 deg, and more is up and back.
    """

    azimuth_deg: tuple[float, float]
    elevation_deg: tuple[float, float]
    rise_deg: tuple[float, float]


SUTURES = (Suture((22.0, 38.0), (32.0, 48.0), (105.0, 125.0)), Suture((-62.0, -50.0), (14.0, 30.0), (115.0, 140.0)))
"""Coronal and lambdoid suture."""


def linear(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """A cut through the calvaria of `side`; see `planting.plant_lesion`."""
    half_mm, width_mm = rng.uniform(*LENGTH_MM) / 2, gap.width(rng)
    frame = anywhere(case, side, rng, half_mm + WOBBLE_MM)
    aside_mm = frame.across_mm + waves(frame.along_mm, rng, WOBBLE_WAVES_MM, WOBBLE_MM)
    return cut(hu, case, frame.box, frame.bone, aside_mm, tapered(frame.along_mm, half_mm, width_mm), gap.hu)


def diastatic(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """A suture of `side` that gapes, where it usually runs; see `planting.plant_lesion`."""
    suture = SUTURES[rng.integers(len(SUTURES))]
    half_mm, width_mm = rng.uniform(*SUTURE_LENGTH_MM) / 2, rng.uniform(*SUTURE_WIDTH_MM)
    out = case.direction(side, rng.uniform(*suture.azimuth_deg), rng.uniform(*suture.elevation_deg))
    turn = np.deg2rad(rng.uniform(*suture.rise_deg))
    frame = frame_at(case, side, out, turn if side == "right" else np.pi - turn, half_mm + WOBBLE_MM)
    aside_mm = frame.across_mm + waves(frame.along_mm, rng, TEETH_WAVES_MM, TEETH_MM)
    tapered_mm = width_mm * np.clip(4 * (1 - np.abs(frame.along_mm) / half_mm), 0, 1)
    return cut(hu, case, frame.box, frame.bone, aside_mm, tapered_mm, gap.hu)


def depressed(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, gap: Gap) -> Lesion:
    """A piece of the calvaria of `side` pushed in; see `planting.plant_lesion`."""
    radius_mm, depth_mm = rng.uniform(*RADIUS_MM), rng.uniform(*DEPTH_MM)
    frame = anywhere(case, side, rng, radius_mm + depth_mm + 8)
    rho = np.hypot(frame.along_mm, frame.across_mm) / radius_mm
    inside = (rho < 1) & (frame.out_mm > -radius_mm - depth_mm)
    inward_mm = np.where(inside, depth_mm * (1 - rho ** rng.uniform(*SHARPNESS)), 0)
    before = hu[frame.box].astype(float)
    moved_share, moved_hu = moved(before, frame, inward_mm, case.spacing_mm, inside)
    after = np.where(frame.bone & inside, gap.hu, before)
    after += moved_share * (moved_hu - after)
    painted, mask = hu.astype(np.float32, copy=True), np.zeros(hu.shape, np.uint8)
    painted[frame.box] = after
    mask[frame.box] = inside & (frame.bone | (moved_share > 0.5))
    return Lesion(painted, np.asarray(case.labels, dtype=np.int16), mask)


def moved(before: Array, frame: Frame, inward_mm: Array, spacing_mm: Array, inside: Mask) -> tuple[Array, Array]:
    """Share of bone in each voxel, and its HU, once the bone has moved inward."""
    grid = np.stack(np.meshgrid(*map(np.arange, before.shape), indexing="ij")).astype(float)
    source = grid + inward_mm * (frame.out / spacing_mm)[:, None, None, None]
    bone: NDArray[np.float64] = (frame.bone & inside).astype(float)
    share = ndimage.map_coordinates(bone, source, order=1)
    bone_hu = ndimage.map_coordinates(bone * before, source, order=1)
    return share * inside, bone_hu / np.maximum(share, 1e-6)
