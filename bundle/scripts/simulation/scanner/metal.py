"""Metal: fillings in teeth, an aneurysm clip, electrodes on the scalp, and the streaks they cause within a slice.

A *bit* is a ball of metal. Its *streaks* run from it through the slice in all directions, bright and dark in turn: with
the angle a of a pixel seen from the bit, taken modulo 180 degrees, and its distance r, they add

    s A(a) / (1 + r / r0)

where A is smoothed noise over angles, lowered in the directions of the other bits of the slice, which starve the rays
between two of them. This is a picture of what streaks look like, not a reconstruction from projections.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy import labels as names

Volume = NDArray[np.float32]
Labels = NDArray[np.int16]
Array = NDArray[np.float64]

METAL_HU = 9000.0
"""HU of metal before the scanner clips them at the end of its 12 bits."""

STREAK_HU = {"fillings": (250.0, 900.0), "clip": (150.0, 500.0), "electrodes": (40.0, 180.0)}
"""Range of s, by kind."""

ANGLES = 90
"""Directions of A over 180 degrees."""

NEAR_MM, FAR_MM = 9.0, 130.0
"""r0, and the distance at which streaks have faded."""

STARVED, STARVED_ANGLES = 1.6, 2.0
"""Amount by which A is lowered toward another bit, and the number of directions over which it is."""

JAW_MM, JAW_FROM_Y_MM, JAW_HALF_MM = (-108.0, -60.0), 35.0, 32.0
"""Reference heights of the teeth, how far forward they begin, and half the width of the jaw."""

CLIP_REACH_MM = 25.0
"""A clip lies in fluid no farther than this from the optic chiasm."""


def place_bits(kind: str, labels: Labels, upright: Array, rng: np.random.Generator) -> Array:
    """Bits (n, 4): voxel positions in a label map and radii in mm; none where the map lacks the place.

    Args:
        kind: a key of `STREAK_HU`.
        labels: (I, J, K), 1 mm voxels, axes along +R, +A, +S.
        upright: (4, 4), voxel to reference space, mm.
        rng: where the random choices come from.
    """
    return _PLACES[kind](labels, upright[:3, 3], rng)


def add_metal(
    hu: Volume, bits: Array, held: Array, pixel_mm: float, streak_hu: float, rng: np.random.Generator
) -> None:
    """Draw metal and its streaks into slices, in place.

    Args:
        hu: slices (I, J, K).
        bits: (n, 3) pixel positions i and j, and radii in mm.
        held: (n, K), 0 to 1: how much of the thickness of a slice a bit takes up.
        pixel_mm: size of a pixel.
        streak_hu: s.
        rng: where the random choices come from.
    """
    noise = ndimage.gaussian_filter1d(rng.standard_normal((len(bits), ANGLES)), 1.0, axis=1, mode="wrap")
    noise /= np.sqrt((noise**2).mean(axis=1, keepdims=True))
    for k in np.flatnonzero((held > 0).any(axis=0)):
        present = np.flatnonzero(held[:, k] > 0)
        image = hu[:, :, k]
        for n in present:
            others = bits[present[present != n], :2] - bits[n, :2]
            image += held[n, k] * streak_hu * streaks(image.shape, bits[n, :2], starved(noise[n], others), pixel_mm)
        for n in present:
            _draw_bit(image, bits[n], held[n, k], pixel_mm)


def starved(profile: Array, others: Array) -> Array:
    """A profile over angles (ANGLES,), lowered in the directions of other bits (n, 2), given relative to this one."""
    lowered = profile.copy()
    for angle in np.arctan2(others[:, 1], others[:, 0]):
        away = np.abs(np.arange(ANGLES) - angle % np.pi / np.pi * ANGLES)
        lowered -= STARVED * np.exp(-0.5 * (np.minimum(away, ANGLES - away) / STARVED_ANGLES) ** 2)
    return lowered


def streaks(shape: tuple[int, ...], centre: Array, profile: Array, pixel_mm: float) -> Volume:
    """A(a) / (1 + r / r0) around a pixel position (2,), as an image (I, J) that fades to nothing far away."""
    x = ((np.arange(shape[0]) - centre[0]) * pixel_mm).astype(np.float32)[:, None]
    y = ((np.arange(shape[1]) - centre[1]) * pixel_mm).astype(np.float32)[None, :]
    where = np.arctan2(y, x) % np.float32(np.pi) * np.float32(ANGLES / np.pi)
    below = where.astype(np.intp)
    share = where - below
    table = np.append(profile, profile[:2]).astype(np.float32)
    distance = np.hypot(x, y)
    fading = np.maximum(1 - distance / np.float32(FAR_MM), 0) / (1 + distance / np.float32(NEAR_MM))
    return np.asarray((table[below] * (1 - share) + table[below + 1] * share) * fading)


def _draw_bit(image: Volume, bit: Array, held: float, pixel_mm: float) -> None:
    """Raise the pixels of a bit to those of metal, in part where the slice or the pixel holds only part of it."""
    reach = int(np.ceil(bit[2] / pixel_mm)) + 1
    box = tuple(slice(max(int(c) - reach, 0), max(int(c) + reach + 2, 0)) for c in bit[:2])
    if not all(image[box].shape):
        return
    i, j = (np.arange(s.start, s.start + n) - c for s, n, c in zip(box, image[box].shape, bit[:2], strict=True))
    inside = np.clip((bit[2] - np.hypot(i[:, None], j[None, :]) * pixel_mm) / pixel_mm + 0.5, 0, 1)
    image[box] += (held * inside * (METAL_HU - image[box])).astype(np.float32)


def _fillings(labels: Labels, origin: Array, rng: np.random.Generator) -> Array:
    """Two to six balls in the bone of the jaws."""
    first = np.maximum(np.rint((-JAW_HALF_MM, JAW_FROM_Y_MM, JAW_MM[0]) - origin), 0).astype(int)
    last = np.maximum(np.rint((JAW_HALF_MM, 200, JAW_MM[1]) - origin), 0).astype(int)
    box = labels[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    return _balls(np.argwhere(box == names.CORTICAL_BONE) + first, int(rng.integers(2, 7)), (1.5, 4.0), rng)


def _clip(labels: Labels, origin: Array, rng: np.random.Generator) -> Array:
    """Four balls in a row, in the fluid around the optic chiasm."""
    chiasm = np.argwhere(labels == 85)
    if not len(chiasm):
        return np.empty((0, 4))
    centre = chiasm.mean(axis=0)
    first = np.maximum(centre - CLIP_REACH_MM, 0).astype(int)
    box = labels[tuple(slice(a, int(b)) for a, b in zip(first, centre + CLIP_REACH_MM, strict=True))]
    start = _balls(np.argwhere(box == names.CSF) + first, 1, (0.8, 1.3), rng)
    direction = rng.standard_normal(3)
    steps = np.arange(4)[:, None] * np.append(2.2 * direction / np.linalg.norm(direction), 0)
    return np.asarray(start[:1] + steps) if len(start) else start


def _electrodes(labels: Labels, origin: Array, rng: np.random.Generator) -> Array:
    """Two to ten balls in the skin over the skull."""
    low = max(int(-origin[2]), 0)
    skin = np.argwhere(labels[:, :, low:] == names.SKIN)[::7] + np.array((0, 0, low))
    return _balls(skin, int(rng.integers(2, 11)), (0.8, 2.0), rng)


def _balls(voxels: NDArray[np.intp], count: int, radii_mm: tuple[float, float], rng: np.random.Generator) -> Array:
    """Balls (count, 4) at some of the voxels; none where there are no voxels."""
    if not len(voxels):
        return np.empty((0, 4))
    return np.column_stack([voxels[rng.integers(len(voxels), size=count)], rng.uniform(*radii_mm, count)])


_PLACES: dict[str, Callable[[Labels, Array, np.random.Generator], Array]] = {
    "fillings": _fillings,
    "clip": _clip,
    "electrodes": _electrodes,
}
