"""A skull whose oracle is known: a spherical shell of bone around the centre of reference space, under a scalp.

A *line* is a gap along a great circle. Voxels at borders hold the covered share.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scripts.geometry.coordinates import CENTRE_MM
from scripts.skull.atlas import atlas

Array = NDArray[np.float64]

OUTER_MM, INNER_MM, SCALP_MM = 80.0, 73.0, 86.0
AIR, TISSUE, BONE = -1000.0, 40.0, 900.0
LOWEST_MM, PIXEL_MM = -50.0, 0.8


def slanted() -> Array:
    """A registration (4, 4), scan mm to reference mm: turned and shifted."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", (7, -4, 5), degrees=True).as_matrix()
    matrix[:3, 3] = 4, -6, 9
    return matrix


@lru_cache(maxsize=1)
def grid() -> tuple[Array, Array]:
    """Affine (4, 4) of a scan, and its voxels (I, J, K, 3) in mm from the centre of the shell, reference axes."""
    matrix = slanted()
    affine, size = np.diag([PIXEL_MM, PIXEL_MM, 1.0, 1.0]), (int(196 / PIXEL_MM), int(196 / PIXEL_MM), 150)
    middle = np.linalg.inv(matrix) @ (*CENTRE_MM, 1)
    affine[:3, 3] = middle[:3] - (98, 98, -LOWEST_MM)
    axes = [np.arange(n, dtype=np.float64) for n in size]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    whole = matrix @ affine
    return affine, index @ whole[:3, :3].T + whole[:3, 3] - np.array(CENTRE_MM)


def shell(dent: tuple[Array, float, float] | None = None) -> Array:
    """HU (I, J, K) of the shell; `dent` is its direction, depth and radius, mm: the outer table lies deeper there."""
    return _plain().copy() if dent is None else _drawn(dent)


@lru_cache(maxsize=1)
def _plain() -> Array:
    """The shell without a dent, which nearly every test starts from."""
    return _drawn(None)


def _drawn(dent: tuple[Array, float, float] | None) -> Array:
    points = grid()[1]
    radius = np.linalg.norm(points, axis=-1)
    outer, inner = OUTER_MM, INNER_MM
    moved: Any = 0.0
    if dent is not None:
        away = np.arccos(np.clip(points @ dent[0] / np.maximum(radius, 1e-6), -1, 1))
        moved = dent[1] * np.clip(1 - (away * OUTER_MM / dent[2]) ** 2, 0, None)
    soft = np.clip((SCALP_MM - radius) / PIXEL_MM + 0.5, 0, 1)
    bone = np.clip((outer - moved - radius) / PIXEL_MM + 0.5, 0, 1)
    bone *= np.clip((radius - inner + moved) / PIXEL_MM + 0.5, 0, 1)
    hu = AIR + (TISSUE - AIR) * soft
    return np.asarray(hu + (BONE - TISSUE) * bone)


def cut(hu: Array, middle: Array, along: Array, length_mm: float, width_mm: float) -> NDArray[np.float32]:
    """The shell with a line: its middle and tangent (3,), its length along the outer table and its width, mm."""
    middle, along = middle / np.linalg.norm(middle), along - middle * (along @ middle) / (middle @ middle)
    along /= np.linalg.norm(along)
    box = _around(middle, length_mm / 2 + width_mm)
    points, part = grid()[1][box], hu[box]
    aside = np.abs(points @ np.cross(middle, along))
    run = OUTER_MM * np.arctan2(points @ along, points @ middle)
    share = np.clip((width_mm / 2 + PIXEL_MM / 2 - aside) / PIXEL_MM, 0, min(1.0, width_mm / PIXEL_MM))
    share *= np.abs(run) <= length_mm / 2
    return _with(hu, box, part + share * np.where(part > TISSUE, TISSUE - part, 0))


def bored(hu: Array, out: Array, diameter_mm: float) -> NDArray[np.float32]:
    """The shell with a round hole in a direction (3,)."""
    box = _around(out, diameter_mm / 2)
    points, part = grid()[1][box], hu[box]
    radius = np.maximum(np.linalg.norm(points, axis=-1), 1e-6)
    away = OUTER_MM * np.arccos(np.clip(points @ out / radius, -1, 1))
    return _with(hu, box, np.where((away < diameter_mm / 2) & (part > TISSUE), TISSUE, part))


def _around(out: Array, reach_mm: float) -> tuple[slice, ...]:
    """The box of all bone that lies within some mm, along the outer table, of a direction (3,)."""
    to_voxel = np.linalg.inv(slanted() @ grid()[0])
    middle = to_voxel[:3, :3] @ (OUTER_MM * out + np.array(CENTRE_MM)) + to_voxel[:3, 3]
    reach = (reach_mm + OUTER_MM - INNER_MM + 2 * PIXEL_MM) * np.linalg.norm(to_voxel[:3, :3], axis=1)
    first = np.maximum(np.floor(middle - reach), 0).astype(int)
    last = np.maximum(np.ceil(middle + reach).astype(int) + 1, first)
    return tuple(slice(a, b) for a, b in zip(first, last, strict=True))


def _with(hu: Array, box: tuple[slice, ...], part: Array) -> NDArray[np.float32]:
    """The shell with other values in a box."""
    changed = hu.astype(np.float32)
    changed[box] = part
    return changed


def averaged(hu: NDArray[np.floating], count: int) -> tuple[NDArray[np.float32], Array]:
    """A scan in slices that are the mean of `count`, and its affine."""
    affine = grid()[0].copy()
    affine[:3, 3] += affine[:3, 2] * (count - 1) / 2
    affine[:3, 2] *= count
    slices = hu.reshape(*hu.shape[:2], -1, count).mean(axis=3)
    return slices.astype(np.float32), affine


def usual() -> Array:
    """Radii of the mean surface: those of the shell."""
    return np.full(len(atlas().coarse), OUTER_MM)


def unit(*vector: float) -> Array:
    """A unit vector."""
    return np.array(vector) / np.linalg.norm(vector)
