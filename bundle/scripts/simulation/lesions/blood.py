"""How blood looks inside: even, frayed, mixed or layered.

*Even* blood is a clot with a smooth border. *Frayed* blood has a ragged one. *Mixed* blood holds lakes of serum or of
blood that has not clotted yet, darker than the clot (the swirl sign). In *layered* blood the cells have sunk: what lies
posterior in a patient on their back is denser, below a level (Osborn's Brain; such levels are common under
anticoagulants). The mean over the lesion stays as it was asked for. All of it comes from a stream of random numbers of
its own, so a seed gives the same lesion as ever when even blood is asked for.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..anatomy.braincase import Array, Mask
from .growth import Amount, smooth_noise

LOOKS = EVEN, FRAYED, MIXED, LAYERED = ("even", "frayed", "mixed", "layered")

FRAYED_SHARE, FRAYED_MM = 0.3, 4.0
"""Standard deviation of the noise on the score of frayed blood, as a share of it, and over what it varies."""

SERUM_DROP_HU, SERUM_SHARE = (18.0, 32.0), (0.25, 0.5)
"""By how much serum is darker than the clot around it, and its share of the volume."""

SERUM_MM = (3.0, 8.0)
"""Smallest and largest size over which clot and serum alternate; between them it is half the lesion's radius."""

LAYER_HU, SUNK_SHARE = (18.0, 32.0), (0.4, 0.6)
"""By how much sunk blood is denser than what stands above it, and its share of the volume."""

LEVEL_TILT_DEG, LEVEL_MM = 6.0, 1.5
"""Largest rotation of the level about either axis, and the width over which one layer becomes the other."""


def ragged(score: Array, amount: Amount, spacing_mm: Array) -> Array:
    """The score (i, j, k) that a lesion grows by, made uneven if its blood is frayed; see `growth.py`."""
    if amount.look != FRAYED:
        return score
    assert amount.look_rng is not None
    uneven: Array = score * np.exp(FRAYED_SHARE * smooth_noise(score.shape, FRAYED_MM, spacing_mm, amount.look_rng))
    return uneven


def uneven_hu(blood: Mask, amount: Amount, spacing_mm: Array) -> Array:
    """HU (i, j, k) to add to even blood, with a mean of 0 over the mask `blood`; zeros for even and frayed blood."""
    if amount.look not in (MIXED, LAYERED) or not blood.any():
        return np.zeros(blood.shape)
    assert amount.look_rng is not None
    made = _lakes if amount.look == MIXED else _layers
    found = made(blood, spacing_mm, amount.look_rng)
    centred: Array = found - found[blood].mean()
    return centred


def _lakes(blood: Mask, spacing_mm: Array, rng: np.random.Generator) -> Array:
    """Negative where there is serum."""
    radius_mm = (3 * float(blood.sum() * np.prod(spacing_mm)) / (4 * np.pi)) ** (1 / 3)
    noise = smooth_noise(blood.shape, float(np.clip(radius_mm / 2, *SERUM_MM)), spacing_mm, rng)
    serum = noise > np.quantile(noise[blood], 1 - rng.uniform(*SERUM_SHARE))
    darker: Array = -rng.uniform(*SERUM_DROP_HU) * ndimage.gaussian_filter(serum.astype(float), 0.5 / spacing_mm)
    return darker


def _layers(blood: Mask, spacing_mm: Array, rng: np.random.Generator) -> Array:
    """Positive below the level; posterior is towards smaller second indices."""
    tilt = np.tan(np.deg2rad(rng.uniform(-LEVEL_TILT_DEG, LEVEL_TILT_DEG, 2)))
    i, j, k = np.ogrid[tuple(slice(0, size) for size in blood.shape)]
    height_mm = tilt[0] * spacing_mm[0] * i + spacing_mm[1] * j + tilt[1] * spacing_mm[2] * k
    level_mm = np.quantile(height_mm[blood], rng.uniform(*SUNK_SHARE))
    sunk: Array = rng.uniform(*LAYER_HU) * np.clip(0.5 - (height_mm - level_mm) / LEVEL_MM, 0, 1)
    return sunk
