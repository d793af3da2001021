"""A small head in reference space: two hemispheres with a ventricle each, a skull and a scalp, with noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scripts.geometry.coordinates import grid_affine
from scripts.sites.power.planting import Ground, ground_of

SHAPE = (256, 64, 60)
CENTRE = (127.5, 32.0, 30.0)
BRAIN_MM, SKULL_MM, SCALP_MM = 22.0, 25.0, 27.0
NOISE_HU = 4.0


def power_head() -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.uint8], NDArray[np.uint8]]:
    """HU, head, regions and atlas (256, 64, 60), by the same seed each time."""
    grid = np.stack(np.meshgrid(*[np.arange(n, dtype=float) for n in SHAPE], indexing="ij"), -1) - CENTRE
    away = np.linalg.norm(grid, axis=-1)
    brain, head = away <= BRAIN_MM, away <= SCALP_MM
    hu = np.full(SHAPE, -1000.0)
    hu[head], hu[away <= SKULL_MM], hu[brain] = 30.0, 1000.0, 34.0
    ventricle = np.linalg.norm(np.abs(grid) - (7, 0, 0), axis=-1) <= 4
    hu[ventricle] = 8.0
    hu += NOISE_HU * np.random.default_rng(0).standard_normal(SHAPE)
    regions = np.where(brain, np.where(grid[..., 0] < 0, 1, 2), np.where(away <= SKULL_MM, 3, 0)) * head
    atlas = np.where(ventricle, 6, np.where(brain, 1, 0))
    return hu.astype(np.float32), head, regions.astype(np.uint8), atlas.astype(np.uint8)


def power_ground() -> Ground:
    """The small head, ready to be planted into; its scan has slices of 3 mm."""
    affine = grid_affine() @ np.diag([1.0, 1.0, 3.0, 1.0])
    return ground_of(*power_head(), (256, 64, 20), affine, np.eye(4))
