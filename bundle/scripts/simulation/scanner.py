"""What a CT scanner makes of a head: slices, blur, noise, beam hardening, tilt, a limited field of view, a head rest.

A *protocol* is how the scan is made; everything in it can be set or drawn. A *scan* is the result: Hounsfield units on
the native grid with its affine, axes (I, J, K) along +R, +A (tilted with the gantry) and +S. A tilted gantry gives a
sheared grid: slices are stacked along the table, not along their normal. What is unknown is NaN inside this module,
and `PADDING_HU` in its results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .head import SCANNER_STREAM, SimulatedHead, stream
from .labels import BONE, UNCOVERED, member_table
from .sampling import sample
from .tissue import AIR_HU

Volume = NDArray[np.float32]

PADDING_HU = -1024
"""Value of voxels of which nothing is known; the darkest known voxel is one unit brighter."""

HIGHEST_HU = 3071
"""Largest value of 12 bits with the usual intercept."""

SUBSLICE_MM = 1.25
"""Slices thicker than this are averaged over several samples."""

LINEAR_BLUR_MM2 = 1 / 6
"""Variance of the blur by linear interpolation on a 1 mm grid, already part of the point spread."""

AXIS_Y_MM, VERTEX_Z_MM = -8.0, 104.0
"""Where the vertical axis of the head lies in reference space, and the height of the vertex of the mean head."""

LOWEST_Z_MM, SKULL_BASE_Z_MM = -125.0, -45.0
"""Reference heights between which the lowest slice is put: the chin and below, or the foramen magnum."""

REST_SHELL_MM, REST_DEPTH_MM = 3.5, 14.0
"""Thickness of the shell of a head rest, and of its foam."""


@dataclass(frozen=True)
class Protocol:
    """How one scan is made.

    Attributes:
        size: pixels along I and J.
        spacing_mm: pixel size.
        increment_mm: distance of slices along the table.
        thickness_mm: width of the slice profile (a box).
        blur_mm: standard deviation of the point spread in the slice.
        noise_hu: standard deviation of the noise.
        offset_hu: error of the calibration in soft tissue.
        rim_hu: beam hardening, brighter next to bone.
        cupping_hu: darker in the depth of the head.
        tilt_deg: gantry tilt, positive when the anterior end of the slices is higher.
        bottom_mm: reference height, at the axis of the head, of the lowest slice.
        top_mm: the same of the highest slice.
        centre_mm: where the middle of the field of view lies beside the head's axis: right and anterior.
        rest_gap_mm: distance between head and head rest, or None without one.
    """

    size: tuple[int, int] = (512, 512)
    spacing_mm: float = 0.45
    increment_mm: float = 5.0
    thickness_mm: float = 5.0
    blur_mm: float = 0.6
    noise_hu: float = 4.0
    offset_hu: float = 0.0
    rim_hu: float = 0.0
    cupping_hu: float = 0.0
    tilt_deg: float = 0.0
    bottom_mm: float = SKULL_BASE_Z_MM
    top_mm: float = VERTEX_Z_MM + 10
    centre_mm: tuple[float, float] = (0.0, 10.0)
    rest_gap_mm: float | None = 2.0

    def __post_init__(self) -> None:
        """Raises ValueError where no scan can be made this way."""
        for quantity in ("spacing_mm", "increment_mm", "thickness_mm"):
            if not getattr(self, quantity) > 0:
                raise ValueError(f"{quantity} must be positive, got {getattr(self, quantity)}")
        if not self.top_mm > self.bottom_mm:
            raise ValueError(f"the highest slice ({self.top_mm} mm) must lie above the lowest ({self.bottom_mm} mm)")
        if not abs(self.tilt_deg) <= 35:
            raise ValueError(f"a gantry tilts by 35 degrees at most, got {self.tilt_deg}")


@dataclass(frozen=True, eq=False)
class Scan:
    """A simulated scan: hu, int16 (I, J, K), `PADDING_HU` where unknown and nowhere else, and affine (4, 4), voxel to
    scan space, RAS mm."""

    hu: NDArray[np.int16]
    affine: NDArray[np.float64]

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Voxels (I, J, K) of which nothing is known."""
        return np.asarray(self.hu == PADDING_HU)


def draw_protocol(rng: np.random.Generator, thickness_mm: float | None = None) -> Protocol:
    """A protocol as found in clinical routine: thick or thin slices, soft or sharp kernel, sometimes tilted or cut."""
    thickness = float(thickness_mm or rng.choice([1.0, 1.25, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0]))
    blur = float(rng.uniform(0.45, 0.9))
    noise = float(rng.uniform(2.5, 5.0) * np.sqrt(5 / thickness) * np.sqrt(0.65 / blur))
    cut_at_vertex = rng.random() < 0.12
    top = VERTEX_Z_MM + (rng.uniform(-20, -2) if cut_at_vertex else rng.uniform(5, 22))
    return Protocol(
        spacing_mm=float(rng.uniform(0.43, 0.52)),
        increment_mm=thickness,
        thickness_mm=thickness,
        blur_mm=blur,
        noise_hu=noise,
        offset_hu=float(np.clip(rng.normal(0, 4), -10, 10)),
        rim_hu=float(rng.uniform(0, 10)),
        cupping_hu=float(rng.uniform(0, 5)),
        tilt_deg=float(rng.uniform(-20, 20)) if rng.random() < 0.4 else 0.0,
        bottom_mm=float(rng.uniform(LOWEST_Z_MM, SKULL_BASE_Z_MM)),
        top_mm=float(top),
        centre_mm=(float(rng.uniform(-8, 8)), 10 + float(rng.uniform(-8, 8))),
        rest_gap_mm=float(rng.uniform(0, 4)) if rng.random() < 0.7 else None,
    )


def acquire(head: SimulatedHead, protocol: Protocol, seed: int) -> Scan:
    """The scan of a head; `seed` determines its noise."""
    rng = stream(seed, SCANNER_STREAM)
    affine, count = native_grid(head, protocol)
    hu = _slices(_hardened(head, protocol), np.linalg.inv(head.affine) @ affine, protocol, count)
    known = np.isfinite(hu)
    if protocol.rest_gap_mm is not None:
        _add_rest(hu, protocol, rng)
    sigma = np.sqrt(max(protocol.blur_mm**2 - LINEAR_BLUR_MM2, 0)) / protocol.spacing_mm
    hu += (protocol.noise_hu / _noise_gain(sigma)) * rng.standard_normal(hu.shape, dtype=np.float32)
    if sigma > 0:
        for axis in (0, 1):
            hu = ndimage.gaussian_filter1d(hu, sigma, axis=axis, mode="nearest", truncate=3.0)
    hu += protocol.offset_hu * np.clip((hu - AIR_HU) / -AIR_HU, 0, 1)
    np.clip(np.rint(hu, out=hu), PADDING_HU + 1, HIGHEST_HU, out=hu)
    unknown = ~(known & np.isfinite(hu))
    hu[unknown] = PADDING_HU
    return Scan(hu.astype(np.int16), affine)


def native_grid(head: SimulatedHead, protocol: Protocol) -> tuple[NDArray[np.float64], int]:
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
    if protocol.rim_hu or protocol.cupping_hu:
        coarse = head.labels[::4, ::4, ::4]
        bone = ndimage.gaussian_filter(member_table(BONE)[coarse].astype(np.float32), 1.8)
        depth = ndimage.gaussian_filter((coarse > 0).astype(np.float32), 8.0)
        change = protocol.rim_hu * np.minimum(bone * 2, 1) - protocol.cupping_hu * depth
        axes = [np.arange(size, dtype=np.float64) for size in hu.shape]
        hu += sample(change, np.diag([0.25, 0.25, 0.25, 1.0]), (axes[0], axes[1], axes[2])) * (hu > -200)
    hu[head.labels == UNCOVERED] = np.nan
    return hu


def _slices(hu: Volume, matrix: NDArray[np.float64], protocol: Protocol, count: int) -> Volume:
    """The native slices (I, J, K): each the mean over its thickness of samples along the table."""
    parts = max(1, round(protocol.thickness_mm / SUBSLICE_MM))
    within = ((np.arange(parts) + 0.5) / parts - 0.5) * protocol.thickness_mm / protocol.increment_mm
    k = (np.arange(count)[:, None] + within).ravel()
    i, j = (np.arange(size, dtype=np.float64) for size in protocol.size)
    slabs = []
    for first in range(0, len(i), 32):
        fine = sample(hu, matrix, (i[first : first + 32], j, k))
        slabs.append(fine.reshape(*fine.shape[:2], count, parts).mean(axis=3) if parts > 1 else fine)
    return np.concatenate(slabs)


def _noise_gain(sigma: float) -> float:
    """What is left of the deviation of white noise after the blur of a slice by `sigma` pixels."""
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
