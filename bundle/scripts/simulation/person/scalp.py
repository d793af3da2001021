"""Uneven soft tissue over the skull, and swellings of the scalp.

Scalp and muscle differ in thickness from place to place and between the sides. A *swelling* collects between skull and
scalp (subgaleal: fluid after an infusion, blood after an injury) as a cap on one side. It pushes the scalp outward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..anatomy.labels import SWELLING
from ..anatomy.shell import Change, bump, calvaria, uneven
from .texture import smooth_noise

UNEVENNESS = (0.05, 0.3)
"""Range of the deviation of the scalp's thickness from place to place, relative to it."""

GRAIN_DEG = 30.0
"""Angle over which the thickness varies."""

THINNEST, THICKEST = 0.5, 1.8
"""Bounds of the factor on the scalp's thickness."""

MUSCLE_SD = 0.2
"""Deviation, side by side, of the thickness of the temporal muscle, relative to it."""

SWELLING_SHARE, SWELLING_MM, SWELLING_DEG = 0.2, (5.0, 20.0), (10.0, 32.0)
"""Share of heads with a swelling, and the ranges of its thickness and of its width (deviation of the cap)."""

FLUID_HU, BLOOD_HU, BLOOD_SHARE = (8.0, 35.0), (40.0, 68.0), 0.5
"""Ranges of the mean HU of swellings of fluid and of blood, and the share of swellings with blood."""

TEXTURE_HU = 7.0
"""Deviation of the smooth texture of a swelling."""


@dataclass(frozen=True)
class Scalp:
    """The soft tissue over the skull, relative to the anatomy's.

    Attributes:
        unevenness: deviation of the factor on its thickness.
        muscles: change of the thickness of the right and the left temporal muscle, relative to it.
        swelling_mm: thickness of a swelling, 0 for none.
        swelling_at_deg: azimuth and elevation of its middle, and its width.
        swelling_hu: its mean HU.
    """

    unevenness: float = 0.0
    muscles: tuple[float, float] = (0.0, 0.0)
    swelling_mm: float = 0.0
    swelling_at_deg: tuple[float, float, float] = (0.0, 45.0, 20.0)
    swelling_hu: float = 50.0


def draw_scalp(rng: np.random.Generator) -> Scalp:
    """A random scalp."""
    unevenness = float(rng.uniform(*UNEVENNESS))
    right, left = np.clip(MUSCLE_SD * rng.standard_normal(2), -0.5, 0.5)
    swelling = float(rng.uniform(*SWELLING_MM)) if rng.random() < SWELLING_SHARE else 0.0
    at = (float(rng.uniform(0, 360)), float(rng.uniform(5, 65)), float(rng.uniform(*SWELLING_DEG)))
    hu = float(rng.uniform(*(BLOOD_HU if rng.random() < BLOOD_SHARE else FLUID_HU)))
    return Scalp(unevenness, (float(right), float(left)), swelling, at, hu)


def scalp_change(change: Change, scalp: Scalp, rng: np.random.Generator) -> Change:
    """The change of a shell, with that of its scalp added; `rng` draws the variation of its thickness."""
    muscles = sum(size * bump(azimuth, 2.0, 18.0) for size, azimuth in zip(scalp.muscles, (15.0, 165.0), strict=True))
    factor = np.clip(1 + scalp.unevenness * uneven(GRAIN_DEG, rng) + muscles, THINNEST, THICKEST)
    over = calvaria()
    swelling = change.swelling + over * scalp.swelling_mm * cap(*scalp.swelling_at_deg, rng)
    return change._replace(scalp=change.scalp * (1 + over * (factor - 1)), swelling=swelling)


def cap(azimuth_deg: float, elevation_deg: float, width_deg: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A table (180, 91) of the profile of a swelling: 1 in its middle, falling to 0 at irregular edges."""
    profile = bump(azimuth_deg, elevation_deg, width_deg) * (1 + 0.15 * uneven(width_deg, rng))
    return np.clip((profile - 0.15) / 0.85, 0, 1)


def paint_swelling(
    hu: NDArray[np.float32], labels: NDArray[np.int16], value_hu: float, rng: np.random.Generator
) -> None:
    """Paint the HU of a swelling into a head (I, J, K), in place."""
    place = np.nonzero(labels == SWELLING)
    if not place[0].size:
        return
    corner = [int(axis.min()) for axis in place]
    size = tuple(int(axis.max()) - low + 1 for axis, low in zip(place, corner, strict=True))
    grain = smooth_noise(size, rng)[tuple(axis - low for axis, low in zip(place, corner, strict=True))]
    hu[place] = value_hu + TEXTURE_HU * grain
