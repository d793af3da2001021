"""Partial-volume carving of bone: cuts and holes thinner than a voxel replace the share of it that they fill.

A cloud consists of points in bone, each with a small volume of other tissue. Each volume is distributed over the eight
voxels around its point, by trilinear weights. A voxel with a total share v becomes v times the new HU plus 1 - v times
its own. A gap of 0.3 mm thus replaces 30 % of a row of voxels, as partial volume does in slices of 1 mm.

A *path* is a row of unit vectors on the sphere of directions of a `Shell`, some `PATH_MM` apart at the skull. A *depth*
is a share of the way from the inner table (0) to the outer one (1).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.labels import BONE, member_table
from ..anatomy.shell import ELEVATIONS, STEP_DEG, Shell

Array = NDArray[np.float64]
Volume = NDArray[np.float32]
Labels = NDArray[np.int16]

PATH_MM, SKULL_MM = 0.4, 85.0
"""Distance of neighbouring points of a path, and the radius at which it applies."""

DEPTH_MM = 0.4
"""Largest distance of points across the thickness of bone."""


class Cloud(NamedTuple):
    """Points (n, 3), voxel positions, and the volume (n,) of each, mm3."""

    points: Array
    volumes: Array


def carve(hu: Volume, labels: Labels, cloud: Cloud, fill_hu: float) -> None:
    """Replace the bone of a head (I, J, K), 1 mm voxels, by `fill_hu` to the share that a cloud fills, in place."""
    low = np.floor(cloud.points).astype(np.int64)
    inside = np.all((low >= 0) & (low < np.array(hu.shape) - 1), axis=1)
    low, rest = low[inside], (cloud.points - low)[inside]
    index, part = [], []
    for corner in np.ndindex(2, 2, 2):
        index.append(np.ravel_multi_index(tuple((low + corner).T), hu.shape))
        part.append(np.prod(np.where(corner, rest, 1 - rest), axis=1) * cloud.volumes[inside])
    place, weight = np.concatenate(index), np.concatenate(part)
    bone = member_table(BONE)[labels.ravel()[place]]
    place, weight = place[bone], weight[bone]
    held, which = np.unique(place, return_inverse=True)
    share = np.minimum(np.bincount(which, weight), 1).astype(np.float32)
    flat = hu.reshape(-1)
    flat[held] += share * (np.float32(fill_hu) - flat[held])


def tables_at(shell: Shell, path: Array) -> tuple[Array, Array]:
    """Inner and outer table, mm (n,) each, in the directions (n, 3) of a path."""
    azimuth = np.rad2deg(np.arctan2(path[:, 1], path[:, 0])) % 360 / STEP_DEG
    elevation = np.clip((np.rad2deg(np.arcsin(np.clip(path[:, 2], -1, 1))) + 90) / STEP_DEG, 0, ELEVATIONS - 1)
    at = np.stack([azimuth, elevation])
    inner, outer = (
        ndimage.map_coordinates(np.pad(table, ((0, 1), (0, 0)), mode="wrap"), at, order=1, mode="nearest")
        for table in (shell.inner, shell.outer)
    )
    return inner, outer


def sheet(shell: Shell, path: Array, aside_mm: Array, width_mm: Array, depths: Array) -> Cloud:
    """A cut along a path, from one depth to another.

    Args:
        shell: the inner and outer table.
        path: (n, 3).
        aside_mm: (n, 2), lateral distance of the cut from the path at the inner and at the outer table.
        width_mm: (n,), its width, 0 for no cut.
        depths: (n, 2), the depths between which it runs.
    """
    inner, outer = tables_at(shell, path)
    count = max(int(np.ceil(np.max((outer - inner) * np.diff(depths)[:, 0]) / DEPTH_MM)), 1)
    share = (np.arange(count) + 0.5) / count
    depth = depths[:, :1] + (depths[:, 1:] - depths[:, :1]) * share
    radius = inner[:, None] + (outer - inner)[:, None] * depth
    across = sideways(path)
    aside = aside_mm[:, :1] + (aside_mm[:, 1:] - aside_mm[:, :1]) * depth
    pieces = max(int(np.ceil(width_mm.max() / 0.7)), 2)
    wide = ((np.arange(pieces) + 0.5) / pieces - 0.5) * width_mm[:, None]
    step_mm = PATH_MM / SKULL_MM * radius
    volume = step_mm * ((outer - inner) * np.diff(depths)[:, 0] / count)[:, None] * width_mm[:, None] / pieces
    kept = width_mm > 0
    line = path[kept, None] * radius[kept, :, None]
    points = [
        shell.middle + line + across[kept, None] * (aside[kept] + wide[kept, piece, None])[..., None]
        for piece in range(pieces)
    ]
    return Cloud(np.concatenate(points).reshape(-1, 3), np.tile(volume[kept].ravel(), pieces))


def ball(shell: Shell, toward: Array, depth_mm: float, radii_mm: tuple[float, float]) -> Cloud:
    """An ellipsoid in bone in a direction (3,), centred `depth_mm` outside the inner table; radii across and along."""
    inner, _ = tables_at(shell, toward[None])
    reach = int(np.ceil(2 * max(radii_mm)))
    steps = np.arange(-reach, reach + 1) / 2
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    along = offsets @ toward
    across = np.linalg.norm(offsets - along[:, None] * toward, axis=1)
    held = offsets[(across / radii_mm[0]) ** 2 + (along / radii_mm[1]) ** 2 < 1]
    return Cloud(shell.middle + toward * (inner[0] + depth_mm) + held, np.full(len(held), 0.125))


def great_circle(first: Array, last: Array) -> Array:
    """The path from one direction (3,) to another, points evenly spaced."""
    angle = np.arccos(np.clip(first @ last, -1, 1))
    share = np.linspace(0, 1, max(int(angle * SKULL_MM / PATH_MM), 2))[:, None]
    return np.asarray((np.sin((1 - share) * angle) * first + np.sin(share * angle) * last) / np.sin(angle))


def through(stations: Array) -> Array:
    """A path along great circles from each of some directions (n, 3) to the next."""
    return np.concatenate([great_circle(a, b) for a, b in pairwise(stations)])


def sideways(path: Array) -> Array:
    """Unit vectors (n, 3) across a path, along the skull."""
    across = np.cross(path, np.gradient(path, axis=0))
    return np.asarray(across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12))


def wander(count: int, length_mm: float, rng: np.random.Generator) -> Array:
    """Smooth noise (n,) of unit deviation along a path, varying over `length_mm`."""
    sigma = length_mm / PATH_MM / 4
    noise = ndimage.gaussian_filter1d(rng.standard_normal(count + int(8 * sigma)), sigma)[int(4 * sigma) :][:count]
    return np.asarray(noise * np.sqrt(2 * np.sqrt(np.pi) * sigma))
