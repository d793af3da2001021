"""Nearest places and Gaussian means over places.

A *lookup* finds the nearest place of a direction by a raster of the calvaria: the equal-area projection from the
vertex, u, v = `RADIUS_MM` * sqrt(2 / (1 + z)) * (x, y), in pixels of `PIXEL_MM`. Directions farther than `REACH` times
the spacing from all of n places get the index n, so that values are looked up in arrays with one more entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from .directions import RADIUS_MM, Array, Index

PIXEL_MM = 0.5
HALF_SIDE_MM = 150.0
"""Half the side of the raster: 85 * 2 * sin(59 deg) = 146 mm from the vertex lies the lowest place."""

LOWEST_Z = -0.9
"""Directions below have no place; their projection does not fit the raster."""

REACH = 1.5
CUT_SIGMAS = 2.5
"""Gaussians are cut at this multiple of their sigma."""


@dataclass(frozen=True, eq=False)
class Lookup:
    """The index of the nearest place for each pixel (rows v, columns u) of the raster."""

    nearest: Index

    def __call__(self, directions: Array) -> Index:
        """Indices (n,) of the places nearest to unit vectors (n, 3)."""
        column, row = (np.rint((axis + HALF_SIDE_MM) / PIXEL_MM).astype(np.int32) for axis in project(directions))
        last, below = len(self.nearest) - 1, directions[:, 2] < LOWEST_Z
        column[below] = row[below] = 0
        return np.asarray(self.nearest[np.clip(row, 0, last), np.clip(column, 0, last)])


def project(directions: Array) -> tuple[Array, Array]:
    """Right and anterior coordinate (n,), mm, of directions (n, 3) in the equal-area projection from the vertex."""
    scale = RADIUS_MM * np.sqrt(2 / np.maximum(1 + directions[..., 2], 1e-6))
    return scale * directions[..., 0], scale * directions[..., 1]


def unproject(u_mm: Array, v_mm: Array) -> Array:
    """Directions (..., 3) of projected points; those beyond the sphere are cut at the nadir."""
    squared = np.minimum((u_mm**2 + v_mm**2) / RADIUS_MM**2, 4.0)
    z = 1 - squared / 2
    scale = np.sqrt(np.maximum(1 - squared / 4, 0)) / RADIUS_MM
    return np.stack([u_mm * scale, v_mm * scale, z], axis=-1)


def lookup(places: Array, spacing_mm: float) -> Lookup:
    """The lookup of places (n, 3) that lie `spacing_mm` apart."""
    axis = np.arange(-HALF_SIDE_MM, HALF_SIDE_MM + PIXEL_MM / 2, PIXEL_MM)
    directions = unproject(*np.meshgrid(axis, axis))
    limit = REACH * spacing_mm / RADIUS_MM
    nearest = cKDTree(places).query(directions.reshape(-1, 3), distance_upper_bound=limit)[1]
    return Lookup(nearest.reshape(directions.shape[:2]).astype(np.int32))


def gaussian(source: Array, target: Array, sigma_mm: float) -> sparse.csr_array:
    """Weights (m, n), not normalised, of source places (n, 3) for target places (m, 3)."""
    reach = CUT_SIGMAS * sigma_mm / RADIUS_MM
    pairs = cKDTree(target).sparse_distance_matrix(cKDTree(source), reach, output_type="coo_matrix")
    weights = np.exp(-0.5 * (pairs.data * RADIUS_MM / sigma_mm) ** 2).astype(np.float32)
    return sparse.csr_array((weights, (pairs.row, pairs.col)), shape=pairs.shape)


def mean(weights: sparse.csr_array, values: Array, known: NDArray[Any]) -> Array:
    """Weighted means (m,) of values (n,) with a weight each, `known`; NaN where none has weight."""
    share = known.astype(np.float64)
    total = weights @ share
    summed = weights @ np.where(share > 0, values * share, 0.0)
    found: Array = np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 1e-6)
    return found


def disc(places: Array, reach_mm: float) -> Index:
    """Neighbours (n, k) of places (n, 3) within `reach_mm`, the place itself among them, padded with n."""
    found = cKDTree(places).query_ball_point(places, reach_mm / RADIUS_MM)
    table = np.full((len(places), max(map(len, found))), len(places), dtype=np.int32)
    for row, some in zip(table, found, strict=True):
        row[: len(some)] = some
    return table
