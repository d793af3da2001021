"""Uneven skulls: smooth displacements that make the two halves of a head differ.

A displacement (see `shape.py`) is *antisymmetric* if mirroring turns it into its own negative: x along +R keeps its
sign, y and z change theirs. Three are added up. *Plagiocephaly* is a shear of the back of the head, which flattens one
side. *Torque* makes the right frontal and the left occipital lobe bulge (petalia), or, in some people, the opposite
lobes. The third is smooth noise, weak near the mid-plane, as the falx stays nearly straight. Aligning the head removes
their rigid part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.coordinates import CENTRE_MM, grid_affine
from .shape import LATTICE_SIZE, LATTICE_STEP, Shape

Array = NDArray[np.float64]

SHEAR_SD, LARGEST_SHEAR = 0.03, 0.07
"""Deviation and bound of the forward shift of one side of the occiput, per mm from the mid-plane.

Only the back is sheared: a shear of the whole head would merely turn the axes of an ellipsoid.
"""

SHEAR_FROM_MM, SHEAR_OVER_MM = 20.0, 70.0
"""Distance in front of the middle of the brain where the shear begins, and the length over which it grows backward."""

TORQUE_MM = (0.0, 3.5)
"""Range of the bulge of a frontal and an occipital lobe."""

REVERSED_SHARE = 0.25
"""Share of heads whose left frontal and right occipital lobes bulge."""

NOISE_MM = (0.8, 3.6)
"""Range of the root mean square of the noise in the skull's surroundings."""

NOISE_SIGMA_MM, STRAIGHT_MM = 24.0, 25.0
"""Deviation of the smoothing of the noise, and the distance from the mid-plane at which it has .63 of its strength."""

FRONTAL_MM, OCCIPITAL_MM, LOBE_MM = (38.0, 55.0, 18.0), (-34.0, -72.0, 8.0), 30.0
"""Middle of a right frontal and a left occipital lobe, from the middle of the brain, and the deviation of a bulge."""

HEAD_RADIUS_MM = 100.0
"""Radius around the middle of the brain within which the noise is measured."""


@dataclass(frozen=True)
class Skew:
    """The asymmetry of a head.

    Attributes:
        shear: forward shift of the right side of the occiput, per mm from the mid-plane.
        torque_mm: bulge of the right frontal and the left occipital lobe, negative for the other two.
        noise_mm: root mean square of the smooth noise.
    """

    shear: float = 0.0
    torque_mm: float = 0.0
    noise_mm: float = 0.0


def draw_skew(rng: np.random.Generator) -> Skew:
    """A random skew; some heads are as symmetric as plain ones."""
    shear = float(np.clip(SHEAR_SD * rng.standard_normal(), -LARGEST_SHEAR, LARGEST_SHEAR))
    torque = float(rng.uniform(*TORQUE_MM)) * (-1 if rng.random() < REVERSED_SHARE else 1)
    return Skew(shear, torque, float(rng.uniform(*NOISE_MM)))


def skewed(shape: Shape, skew: Skew, rng: np.random.Generator) -> Shape:
    """The shape with the displacements of a skew added; `rng` draws the noise."""
    offsets = lattice_offsets_mm()
    total = shape.displacement + _shear(offsets, skew.shear) + _torque(offsets, skew.torque_mm)
    return replace(shape, displacement=total + _noise(offsets, skew.noise_mm, rng))


def lattice_offsets_mm() -> Array:
    """Positions (3, 33, 33, 33) of the displacement's lattice, mm from the middle of the brain in reference space."""
    steps = LATTICE_STEP * np.arange(LATTICE_SIZE)
    axes = [steps + origin - centre for origin, centre in zip(grid_affine()[:3, 3], CENTRE_MM, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"))


def _shear(offsets: Array, shear: float) -> Array:
    """Displacement (3, a, b, c) that moves the right side of the occiput forward: it points to the source, behind."""
    moved = np.zeros_like(offsets)
    back = np.clip((SHEAR_FROM_MM - offsets[1]) / SHEAR_OVER_MM, 0, 1)
    moved[1] = -shear * offsets[0] * back**2 * (3 - 2 * back)
    return moved


def _torque(offsets: Array, torque_mm: float) -> Array:
    """Displacement (3, a, b, c) that makes a frontal lobe and the opposite occipital lobe bulge outward."""
    moved = np.zeros_like(offsets)
    for middle in (FRONTAL_MM, OCCIPITAL_MM):
        away = offsets - np.reshape(middle, (3, 1, 1, 1))
        bulge = np.exp(-0.5 * (away**2).sum(axis=0) / LOBE_MM**2)
        outward = np.array(middle) / np.linalg.norm(middle)
        moved -= torque_mm * outward[:, None, None, None] * bulge
    return antisymmetric(moved)


def _noise(offsets: Array, size_mm: float, rng: np.random.Generator) -> Array:
    """Antisymmetric smooth noise (3, a, b, c) with a root mean square of `size_mm` in the head."""
    white = rng.standard_normal(offsets.shape)
    smooth = np.stack([ndimage.gaussian_filter(axis, NOISE_SIGMA_MM / LATTICE_STEP) for axis in white])
    moved = antisymmetric(smooth) * (1 - np.exp(-np.abs(offsets[:1]) / STRAIGHT_MM))
    head = (offsets**2).sum(axis=0) < HEAD_RADIUS_MM**2
    return np.asarray(moved * (size_mm / np.sqrt((moved[:, head] ** 2).sum(axis=0).mean())))


def antisymmetric(displacement: Array) -> Array:
    """The part of a displacement (3, a, b, c) that mirroring turns into its negative; the lattice's x is even."""
    image = displacement[:, ::-1] * np.reshape((-1.0, 1.0, 1.0), (3, 1, 1, 1))
    return np.asarray((displacement - image) / 2)
