"""Uneven skulls: smooth displacements that make the two halves of a head differ.

A displacement (see `shape.py`) is *antisymmetric* if mirroring turns it into its own negative: x along +R keeps its
sign, y and z change theirs. Three are added up: *plagiocephaly*, a shear of the back of the head, whose one side is
flat; *torque*, a right frontal and a left occipital lobe that bulge (petalia, in most people, the other way round in
some); and smooth noise. What is a rigid motion in them is taken back when the head is aligned. Near the mid-plane the
noise is weak, as the falx stays nearly straight.
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
"""Deviation and bound of how far forward one side of the occiput lies, as a share of its distance from the mid-plane.

A shear of the whole head would do nothing to an ellipsoid but turn its axes.
"""

SHEAR_FROM_MM, SHEAR_OVER_MM = 20.0, 70.0
"""How far in front of the middle of the brain the shear begins, and the way back over which it grows."""

TORQUE_MM = (0.0, 3.5)
"""Range of the bulge of a frontal and an occipital lobe."""

REVERSED_SHARE = 0.25
"""Share of heads whose left frontal and right occipital lobes bulge."""

NOISE_MM = (0.8, 3.6)
"""Range of the root mean square of the noise in the skull's surroundings."""

NOISE_SIGMA_MM, STRAIGHT_MM = 24.0, 25.0
"""Deviation of the smoothing of the noise, and how far from the mid-plane it reaches .63 of its strength."""

FRONTAL_MM, OCCIPITAL_MM, LOBE_MM = (38.0, 55.0, 18.0), (-34.0, -72.0, 8.0), 30.0
"""Middle of a right frontal and a left occipital lobe, from the middle of the brain, and the deviation of a bulge."""

HEAD_RADIUS_MM = 100.0
"""Within this of the middle of the brain the noise is measured."""


@dataclass(frozen=True)
class Skew:
    """How uneven a head is.

    Attributes:
        shear: how far forward the right side of the occiput lies, per mm from the mid-plane.
        torque_mm: bulge of the right frontal and the left occipital lobe, negative for the other two.
        noise_mm: root mean square of the smooth noise.
    """

    shear: float = 0.0
    torque_mm: float = 0.0
    noise_mm: float = 0.0


def draw_skew(rng: np.random.Generator) -> Skew:
    """A random skew; some heads are as even as in the plain population."""
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
    """Displacement (3, a, b, c) that moves the right side of the occiput forward: the place it shows lies behind."""
    moved = np.zeros_like(offsets)
    back = np.clip((SHEAR_FROM_MM - offsets[1]) / SHEAR_OVER_MM, 0, 1)
    moved[1] = -shear * offsets[0] * back**2 * (3 - 2 * back)
    return moved


def _torque(offsets: Array, torque_mm: float) -> Array:
    """Displacement (3, a, b, c) that lets a frontal lobe and the occipital one across bulge outward."""
    moved = np.zeros_like(offsets)
    for middle in (FRONTAL_MM, OCCIPITAL_MM):
        away = offsets - np.reshape(middle, (3, 1, 1, 1))
        bulge = np.exp(-0.5 * (away**2).sum(axis=0) / LOBE_MM**2)
        outward = np.array(middle) / np.linalg.norm(middle)
        moved -= torque_mm * outward[:, None, None, None] * bulge
    return antisymmetric(moved)


def _noise(offsets: Array, size_mm: float, rng: np.random.Generator) -> Array:
    """Antisymmetric smooth noise (3, a, b, c) of a root mean square size in the head."""
    white = rng.standard_normal(offsets.shape)
    smooth = np.stack([ndimage.gaussian_filter(axis, NOISE_SIGMA_MM / LATTICE_STEP) for axis in white])
    moved = antisymmetric(smooth) * (1 - np.exp(-np.abs(offsets[:1]) / STRAIGHT_MM))
    head = (offsets**2).sum(axis=0) < HEAD_RADIUS_MM**2
    return np.asarray(moved * (size_mm / np.sqrt((moved[:, head] ** 2).sum(axis=0).mean())))


def antisymmetric(displacement: Array) -> Array:
    """The part of a displacement (3, a, b, c) that mirroring turns into its negative; the lattice's x is even."""
    image = displacement[:, ::-1] * np.reshape((-1.0, 1.0, 1.0), (3, 1, 1, 1))
    return np.asarray((displacement - image) / 2)
