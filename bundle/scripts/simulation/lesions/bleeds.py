"""Collections that push the brain aside: bleeds in the brain, under the dura and over it, and the arachnoid cyst.

They grow by scores (`growth.py`) and become mask 1. An intraparenchymal bleed is scored by the distance from its
centre, in a random ellipsoid and roughened by smooth noise; an *extra-axial* one, between brain and skull, by the depth
below the inner table divided by a profile 1 - rho^2 over its spread rho along the skull, so that a wide thin profile
gives the crescent of a subdural and a narrow thick one the lens of an epidural haematoma. *Oedema* (mask 2) is the
darker rim that spreads through the white matter around an intraparenchymal bleed.

HU of acute blood 45-80: hematocrit-bound haemoglobin; of a subdural of one to three weeks 30-45, like brain; of a cyst
that of fluid (Osborn's Brain). Oedema takes 8-14 HU from white matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.braincase import Array, Braincase, Mask, block_around, labelled
from ..anatomy.labels import CEREBELLUM, LEFT_CEREBRUM, RIGHT_CEREBRUM, SINUS
from .blood import ragged, uneven_hu
from .growth import Amount, Lesion, Volume, grow, smooth_noise, voxels
from .mass_effect import push

BLOOD_HU = (45.0, 80.0)
"""Range of the mean of acute blood."""

ISODENSE_HU = (30.0, 45.0)
"""Range of the mean of blood that is one to three weeks old."""

CYST_HU = (2.0, 12.0)
"""Range of the mean of the fluid in a cyst."""

BLOOD_TEXTURE_HU = 3.0
"""Standard deviation of the smooth unevenness of a clot; a cyst has a fifth of it."""

OEDEMA_DROP_HU = (8.0, 14.0)
"""By how much oedema darkens the brain."""

OEDEMA_MM = (3.0, 9.0)
"""Width of the oedema in white matter; grey matter holds a third of it."""

EDGE_SIGMA_MM = 0.6
"""Blur of the blood's own edge, before that of the scanner."""

SULCUS_MM = 3.0
"""Half the width of the gaps in the cerebrum that a bleed fills."""

DEEPEST_MM = 35.0
"""Below the inner table there is no extra-axial blood deeper than this."""

WHITE = (2, 41)
"""White matter, where oedema spreads."""


@dataclass(frozen=True)
class ExtraAxial:
    """Spread of a bleed between brain and skull: ranges to draw from."""

    volume_ml: tuple[float, float]
    flatness: tuple[float, float]
    """Greatest thickness as a share of the half length from front to back."""
    upright: tuple[float, float]
    """Half height as a share of the half length."""
    azimuth_deg: tuple[float, float]
    elevation_deg: tuple[float, float]
    """Direction of the middle, see `Braincase.direction`."""
    lowest_deg: float = -12.0
    """Elevation below which there is none: the skull base."""
    texture_hu: float = BLOOD_TEXTURE_HU

    def half_length_mm(self, volume_ml: float, upright: float, rng: np.random.Generator) -> float:
        """Half length a of the flat paraboloid of that volume, V = pi a (upright a) (flatness a) / 2."""
        return float((2000 * volume_ml / (np.pi * upright * rng.uniform(*self.flatness))) ** (1 / 3))


PARENCHYMAL_ML = (5.0, 60.0)
SUBDURAL = ExtraAxial((20.0, 120.0), (0.08, 0.14), (0.65, 0.9), (-25.0, 35.0), (15.0, 40.0))
EPIDURAL = ExtraAxial((10.0, 60.0), (0.40, 0.60), (0.8, 1.0), (-45.0, 50.0), (8.0, 45.0))
CYST = ExtraAxial((5.0, 70.0), (0.45, 0.70), (0.8, 1.0), (0.0, 50.0), (-18.0, 30.0), -32.0, BLOOD_TEXTURE_HU / 5)
"""Most arachnoid cysts lie in the middle cranial fossa, some on the convexity."""

WIDEST_DEG = 80.0
"""No extra-axial bleed spreads farther from its middle, seen from the centre of the brain."""

MIDLINE_GAP_MM = 2.0
"""Extra-axial bleeds stay this far from the mid-plane, where the falx holds them."""


def intraparenchymal(hu: Volume, case: Braincase, side: str, rng: np.random.Generator, bleed: Amount) -> Lesion:
    """A bleed in the cerebrum of `side` with its oedema; see `lesions.plant_lesion`."""
    cerebrum = labelled(case.labels, LEFT_CEREBRUM if side == "left" else RIGHT_CEREBRUM)
    return clot(hu, case, side, rng, bleed, deep_voxel(cerebrum, bleed.volume_ml, case.spacing_mm, rng), cerebrum)


def clot(
    hu: Volume,
    case: Braincase,
    side: str,
    rng: np.random.Generator,
    bleed: Amount,
    centre: NDArray[np.int64],
    room: Mask,
    *,
    swells: bool = True,
    stretch: tuple[float, float, float] | None = None,
    texture_hu: float = BLOOD_TEXTURE_HU,
) -> Lesion:
    """A head with a lesion that grows in an ellipsoid around one voxel.

    Args:
        hu: the head (I, J, K).
        case: its labels.
        side: where the lesion counts as, for what it pushes.
        rng: where all choices come from.
        bleed: how much, how bright.
        centre: the voxel (3,); `bleed.start` replaces it where given.
        room: the mask (I, J, K) that it may take, whose gaps it fills.
        swells: True if it has an oedema.
        stretch: how many times as long as round it is along +R, +A and +S.
        texture_hu: standard deviation of its smooth unevenness.
    """
    mm, centre = case.spacing_mm, centre if bleed.start is None else bleed.start
    radius_mm = radius_of(bleed.volume_ml)
    longest = 1.0 if stretch is None else max(stretch)
    reach = np.ceil((2 * radius_mm * longest + OEDEMA_MM[1] + 6) / mm).astype(int)
    box = tuple(slice(max(c - r, 0), min(c + r + 1, n)) for c, r, n in zip(centre, reach, hu.shape, strict=True))
    offsets = case.offsets_mm(box) - (centre * mm - case.centre_mm)
    axes = np.linalg.qr(rng.standard_normal((3, 3)))[0] * np.exp(rng.uniform(-0.25, 0.25, 3))
    offsets = offsets if stretch is None else offsets / stretch
    score = np.linalg.norm(offsets @ axes, axis=-1) / radius_mm
    score += 0.16 * smooth_noise(score.shape, 0.9 * radius_mm, mm, rng)
    score += 0.05 * smooth_noise(score.shape, SULCUS_MM, mm, rng)
    score = ragged(score, bleed, mm)
    allowed = case.intracranial[box] & ndimage.binary_closing(
        room[box], iterations=max(1, round(SULCUS_MM / mm.mean()))
    )
    blood = grow(score, allowed, voxels(bleed.volume_ml, mm, allowed))
    hu, labels, _, shift_mm = push(hu, case, side, box, bleed.space_share * blood)
    oedema = _oedema(case, labels[box], blood, rng) if swells else np.zeros_like(blood)
    painted, mask = _paint(hu, box, blood, oedema, case, bleed, rng, texture_hu)
    return Lesion(painted, labels, mask, shift_mm)


def radius_of(volume_ml: float) -> float:
    """Radius in mm of a ball of a volume."""
    return float((3000 * volume_ml / (4 * np.pi)) ** (1 / 3))


def deep_voxel(room: Mask, volume_ml: float, spacing_mm: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random voxel (3,) of a room (I, J, K), deep enough for most of a ball of that volume.

    Raises:
        ValueError: the room is empty.
    """
    radius_mm, box = radius_of(volume_ml), block_around(room, 6)
    coarse = ndimage.binary_closing(room[box][::2, ::2, ::2], iterations=2)
    depth_mm = ndimage.distance_transform_edt(coarse, sampling=2 * spacing_mm)
    deep = np.argwhere(depth_mm >= min(0.75 * radius_mm, 0.8 * float(depth_mm.max())))
    corner = np.array([side.start for side in box])
    voxel: NDArray[np.int64] = corner + 2 * deep[rng.integers(len(deep))]
    return voxel


def _oedema(case: Braincase, labels: NDArray[np.int16], blood: Mask, rng: np.random.Generator) -> Mask:
    """Brain around the blood, farther out in white matter, in ragged fingers."""
    mm = case.spacing_mm
    away_mm = ndimage.distance_transform_edt(~blood, sampling=mm)
    width_mm = rng.uniform(*OEDEMA_MM) * (1 + 0.3 * smooth_noise(blood.shape, 10.0, mm, rng))
    white = labelled(labels, WHITE)
    brain = labelled(labels, LEFT_CEREBRUM + RIGHT_CEREBRUM)
    reached: Mask = ~blood & ((white & (away_mm < width_mm)) | (brain & (away_mm < width_mm / 3)))
    return reached


def extra_axial(
    hu: Volume, case: Braincase, side: str, rng: np.random.Generator, bleed: Amount, kind: ExtraAxial
) -> Lesion:
    """A crescent or a lens along the inner table of `side`; see `lesions.plant_lesion`."""
    mm = case.spacing_mm
    toward = case.direction(side, rng.uniform(*kind.azimuth_deg), rng.uniform(*kind.elevation_deg))
    upright = rng.uniform(*kind.upright)
    half_mm = kind.half_length_mm(bleed.volume_ml, upright, rng)
    spread = min(half_mm / case.tables_mm(toward)[0], np.deg2rad(WIDEST_DEG))
    box = case.half_box(side)
    offsets = case.offsets_mm(box)
    inside = ndimage.binary_fill_holes(case.intracranial[box] | labelled(case.labels[box], (SINUS,)))
    rho_squared = spread_squared(offsets, toward, spread, spread * upright)
    rho_squared[offsets[..., 2] < np.sin(np.deg2rad(kind.lowest_deg)) * np.linalg.norm(offsets, axis=-1)] = 2
    rho_squared *= 1 + 0.12 * smooth_noise(rho_squared.shape, 30.0, mm, rng)
    allowed = case.intracranial[box] & (rho_squared < 1) & (case.lateral_mm(offsets, side) > MIDLINE_GAP_MM)
    allowed &= ~labelled(case.labels[box], CEREBELLUM)
    part = block_around(allowed, 3)
    depth_mm = ndimage.distance_transform_edt(inside[part], sampling=mm)
    allowed = allowed[part] & (depth_mm < DEEPEST_MM)
    score = ragged(depth_mm / (1 - np.minimum(rho_squared[part], 0.99)), bleed, mm)
    blood = grow(score, allowed, voxels(bleed.volume_ml, mm, allowed))
    box = tuple(slice(b.start + p.start, b.start + p.stop) for b, p in zip(box, part, strict=True))
    hu, labels, _, shift_mm = push(hu, case, side, box, bleed.space_share * blood)
    painted, mask = _paint(hu, box, blood, np.zeros_like(blood), case, bleed, rng, kind.texture_hu)
    return Lesion(painted, labels, mask, shift_mm)


def spread_squared(offsets_mm: Array, toward: Array, along: float, upward: float) -> Array:
    """rho^2 (...): squared distance on the unit sphere from `toward`, in units of the two spreads (radians)."""
    up = np.array([0.0, 0, 1]) - toward * toward[2]
    up /= np.linalg.norm(up)
    out = offsets_mm / np.maximum(np.linalg.norm(offsets_mm, axis=-1, keepdims=True), 1e-6)
    angle = np.arccos(np.clip(out @ toward, -1, 1))
    tangent = np.stack([out @ np.cross(up, toward), out @ up])
    tangent /= np.maximum(np.linalg.norm(tangent, axis=0), 1e-6)
    rho_squared: Array = angle**2 * ((tangent[0] / along) ** 2 + (tangent[1] / upward) ** 2)
    return rho_squared


def _paint(
    hu: Volume,
    box: tuple[slice, ...],
    blood: Mask,
    oedema: Mask,
    case: Braincase,
    bleed: Amount,
    rng: np.random.Generator,
    texture_hu: float = BLOOD_TEXTURE_HU,
) -> tuple[Volume, NDArray[np.uint8]]:
    """Copies of `hu` with the lesion in its block, and of the mask: 1 blood, 2 oedema."""
    mm, inside = case.spacing_mm, case.intracranial[box].astype(float)
    room = np.maximum(ndimage.gaussian_filter(inside, EDGE_SIGMA_MM / mm), 0.1)
    share = np.clip(ndimage.gaussian_filter(blood.astype(float), EDGE_SIGMA_MM / mm) / room, 0, 1) * inside
    swelling = ndimage.gaussian_filter(oedema.astype(float), 2 * EDGE_SIGMA_MM / mm) * inside
    clot_hu = bleed.hu + texture_hu * smooth_noise(blood.shape, 4.0, mm, rng) + uneven_hu(blood, bleed, mm)
    painted, mask = hu.astype(np.float32, copy=True), np.zeros(hu.shape, np.uint8)
    around = painted[box] - rng.uniform(*OEDEMA_DROP_HU) * swelling
    painted[box] = around + share * (clot_hu - around)
    mask[box] = np.where(blood, 1, np.where(oedema, 2, 0))
    return painted, mask
