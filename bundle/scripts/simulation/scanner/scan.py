"""A CT scanner: slices, blur, noise, beam hardening, tilt, a limited field of view and a head rest for a head.

A *protocol* is how the scan is made, see `protocol.py`. A *scan* is the result: Hounsfield units on
the native grid with its affine, axes (I, J, K) along +R, +A (tilted with the gantry) and +S. A tilted gantry gives a
sheared grid: slices are stacked along the table, not along their normal. What is unknown is NaN inside this module,
and `PADDING_HU` in its results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.affines import transform_points
from ..anatomy.labels import UNCOVERED
from ..person.head import SCANNER_STREAM, SimulatedHead, stream
from ..person.tissue import AIR_HU
from .hardening import add_hardening
from .metal import STREAK_HU, add_metal, place_bits
from .motion import move
from .protocol import EVEN_MM, Protocol
from .sampling import sample

Volume = NDArray[np.float32]
Array = NDArray[np.float64]

PADDING_HU = -1024
"""Value of voxels of which nothing is known; the darkest known voxel is one unit brighter."""

HIGHEST_HU = 3071
"""Largest value of 12 bits with the usual intercept."""

SUBSLICE_MM = 1.25
"""Slices thicker than this are averaged over several samples."""

LINEAR_BLUR_MM2 = 1 / 6
"""Variance of the blur by linear interpolation on a 1 mm grid, already part of the point spread."""

AXIS_Y_MM = -8.0
"""Position of the vertical axis of the head in reference space."""

REST_SHELL_MM, REST_DEPTH_MM = 3.5, 14.0
"""Thickness of the shell of a head rest, and of its foam."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A simulated scan: hu, int16 (I, J, K), `PADDING_HU` where unknown and nowhere else, and affine (4, 4), voxel to
    scan space, RAS mm."""

    hu: NDArray[np.int16]
    affine: Array

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Voxels (I, J, K) of which nothing is known."""
        return np.asarray(self.hu == PADDING_HU)


def acquire(head: SimulatedHead, protocol: Protocol, seed: int) -> Scan:
    """The scan of a head; `seed` determines its noise, its motion and where its metal is."""
    rng = stream(seed, SCANNER_STREAM)
    motion, metal = rng.spawn(2)
    affine, count = native_grid(head, protocol)
    k, thickness_mm = slice_profile(protocol, count)
    heights_mm = k * protocol.increment_mm
    hu = _slices(
        _hardened(head, protocol),
        np.linalg.inv(head.affine) @ affine,
        protocol.size,
        k,
        thickness_mm / protocol.increment_mm,
    )
    if protocol.metal is not None:
        _add_metal(hu, head, protocol, affine, k, thickness_mm, metal)
    if protocol.motion_mm:
        move(hu, heights_mm, protocol.spacing_mm, protocol.motion_mm, protocol.ghost, motion)
    known = np.isfinite(hu)
    if protocol.rest_gap_mm is not None:
        _add_rest(hu, protocol, rng)
    hu[~known] = np.nan
    hu = _blurred_with_noise(hu, protocol, np.sqrt(protocol.thickness_mm / thickness_mm), rng)
    hu += protocol.offset_hu * np.clip((hu - AIR_HU) / -AIR_HU, 0, 1)
    if protocol.change_mm is not None:
        hu, affine = _evenly(hu, heights_mm, affine)
    return Scan(_stored(hu), affine)


def slice_profile(protocol: Protocol, count: int) -> tuple[Array, Array]:
    """Positions of the slices (K,), in units of the increment from the lowest, and their thicknesses (K,), mm.

    With two spacings there are fewer than `count`; they reach at least as high.
    """
    k = np.arange(count, dtype=np.float64)
    thickness_mm = np.full(count, protocol.thickness_mm)
    if protocol.change_mm is None:
        return k, thickness_mm
    share = (protocol.change_mm - protocol.bottom_mm) / (protocol.top_mm - protocol.bottom_mm)
    below = int(share * (count - 1)) + 1
    above = int(np.ceil((count - below) / protocol.thicker))
    upper = below - 1 + (1 + protocol.thicker) / 2 + protocol.thicker * np.arange(above)
    thick = np.full(above, protocol.thickness_mm * protocol.thicker)
    return np.concatenate([k[:below], upper]), np.concatenate([thickness_mm[:below], thick])


def native_grid(head: SimulatedHead, protocol: Protocol) -> tuple[Array, int]:
    """Affine (4, 4) of the native grid, and its number of slices."""
    from_reference = np.linalg.inv(head.to_reference)
    low, high = (
        from_reference[:3, :3] @ (0, AXIS_Y_MM, z) + from_reference[:3, 3]
        for z in (protocol.bottom_mm, protocol.top_mm)
    )
    count = int(np.ceil((high[2] - low[2]) / protocol.increment_mm)) + 1
    tilt = np.deg2rad(protocol.tilt_deg)
    affine = np.eye(4)
    affine[:3, 0] = protocol.spacing_mm, 0, 0
    affine[:3, 1] = 0, protocol.spacing_mm * np.cos(tilt), protocol.spacing_mm * np.sin(tilt)
    affine[:3, 2] = 0, 0, protocol.increment_mm
    middle = np.array([*(((low + high) / 2)[:2] + protocol.centre_mm), low[2]])
    middle[2] += protocol.centre_mm[1] * np.tan(tilt)
    affine[:3, 3] = middle - affine[:3, :2] @ ((np.array(protocol.size) - 1) / 2)
    return affine, count


def _hardened(head: SimulatedHead, protocol: Protocol) -> Volume:
    """The head's HU with beam hardening, NaN where the anatomy is not known."""
    hu = head.hu.copy()
    add_hardening(hu, head.labels, protocol.rim_hu, protocol.cupping_hu, protocol.band_hu)
    hu[head.labels == UNCOVERED] = np.nan
    return hu


def _slices(hu: Volume, matrix: Array, size: tuple[int, int], k: Array, widths: Array) -> Volume:
    """The slices (I, J, K) at k with widths in units of the increment: each the mean of samples along the table."""
    i, j = (np.arange(count, dtype=np.float64) for count in size)
    step_mm = float(np.linalg.norm(matrix[:3, 2]))
    zones = []
    for width in dict.fromkeys(widths.tolist()):
        parts = max(1, round(width * step_mm / SUBSLICE_MM))
        within = ((np.arange(parts) + 0.5) / parts - 0.5) * width
        fine_k = (k[widths == width][:, None] + within).ravel()
        slabs = []
        for first in range(0, len(i), 32):
            fine = sample(hu, matrix, (i[first : first + 32], j, fine_k))
            slabs.append(fine.reshape(*fine.shape[:2], -1, parts).mean(axis=3) if parts > 1 else fine)
        zones.append(np.concatenate(slabs))
    return zones[0] if len(zones) == 1 else np.concatenate(zones, axis=2)


def _add_metal(
    hu: Volume,
    head: SimulatedHead,
    protocol: Protocol,
    affine: Array,
    k: Array,
    thickness_mm: Array,
    rng: np.random.Generator,
) -> None:
    """Put the protocol's metal into the slices (I, J, K), in place."""
    kind = protocol.metal or ""
    bits = place_bits(kind, head.labels, head.to_reference @ head.affine, rng)
    to_scan = np.linalg.inv(affine) @ head.affine
    found = transform_points(to_scan, bits[:, :3])
    away_mm = np.abs(found[:, 2:] - k) * protocol.increment_mm
    radii = bits[:, 3:]
    shared = np.minimum(radii, away_mm + thickness_mm / 2) - np.maximum(-radii, away_mm - thickness_mm / 2)
    held = np.clip(shared / np.minimum(2 * radii, thickness_mm), 0, 1) * np.minimum(2 * radii / thickness_mm, 1)
    add_metal(hu, np.hstack([found[:, :2], radii]), held, protocol.spacing_mm, rng.uniform(*STREAK_HU[kind]), rng)


def _blurred_with_noise(hu: Volume, protocol: Protocol, strength: Array, rng: np.random.Generator) -> Volume:
    """Slices (I, J, K) with their point spread, and noise of a strength (K,) relative to the protocol's."""
    sigma = np.sqrt(max(protocol.blur_mm**2 - LINEAR_BLUR_MM2, 0)) / protocol.spacing_mm
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    noise *= (protocol.noise_hu / _noise_gain(sigma) * strength).astype(np.float32)
    hu += noise
    if sigma > 0:
        for axis in (0, 1):
            hu = ndimage.gaussian_filter1d(hu, sigma, axis=axis, mode="nearest", truncate=3.0)
    return hu


def _evenly(hu: Volume, heights_mm: Array, affine: Array) -> tuple[Volume, Array]:
    """Slices at uneven heights resampled to even ones, linearly, and their affine."""
    even = np.arange(0, heights_mm[-1] + 1e-6, EVEN_MM)
    above = np.clip(np.searchsorted(heights_mm, even, side="right"), 1, len(heights_mm) - 1)
    share = ((even - heights_mm[above - 1]) / (heights_mm[above] - heights_mm[above - 1])).astype(np.float32)
    resampled = hu[:, :, above - 1] * (1 - share) + hu[:, :, above] * share
    moved = affine.copy()
    moved[:3, 2] *= EVEN_MM / np.linalg.norm(affine[:3, 2])
    return resampled, moved


def _stored(hu: Volume) -> NDArray[np.int16]:
    """HU as a scanner stores them: whole numbers, clipped, and `PADDING_HU` where nothing is known."""
    unknown = ~np.isfinite(hu)
    np.clip(np.rint(hu, out=hu), PADDING_HU + 1, HIGHEST_HU, out=hu)
    hu[unknown] = PADDING_HU
    return hu.astype(np.int16)


def _noise_gain(sigma: float) -> float:
    """Factor on the deviation of white noise from the blur of a slice by `sigma` pixels."""
    if sigma <= 0:
        return 1.0
    radius = int(3.0 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    return float((weights**2).sum())


def _add_rest(hu: Volume, protocol: Protocol, rng: np.random.Generator) -> None:
    """A head rest: two shells with foam between, curved around the back of the head."""
    rows = np.flatnonzero((hu > -300).any(axis=(0, 2)))
    columns = np.flatnonzero((hu > -300).any(axis=(1, 2)))
    if not len(rows):
        return
    radius = rng.uniform(105, 135)
    back_mm = rows[0] * protocol.spacing_mm - (protocol.rest_gap_mm or 0.0)
    x = np.arange(hu.shape[0]) * protocol.spacing_mm - (columns[0] + columns[-1]) / 2 * protocol.spacing_mm
    y = np.arange(hu.shape[1]) * protocol.spacing_mm - (back_mm + radius)
    depth = np.hypot(x[:, None], y[None, :]) - radius
    depth[(y[None, :] > -0.35 * radius) | (np.abs(x[:, None]) > 0.93 * radius)] = -1e3
    inner = np.clip(0.5 + (REST_SHELL_MM / 2 - np.abs(depth - REST_SHELL_MM / 2)), 0, 1)
    outer = np.clip(0.5 + (REST_SHELL_MM / 2 - np.abs(depth - REST_DEPTH_MM)), 0, 1)
    shell = AIR_HU + (rng.uniform(-100, 350) - AIR_HU) * np.maximum(inner, outer)
    foam = np.where((depth > 0) & (depth < REST_DEPTH_MM), rng.uniform(-960, -900), AIR_HU)
    rest = np.maximum(shell, foam).astype(np.float32)
    touched = np.nonzero(rest > AIR_HU + 10)
    hu[touched] = np.maximum(hu[touched], rest[touched][:, None])
