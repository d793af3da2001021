"""A surface of triangles through a volume, by surface nets.

The *field* is a volume; the surface encloses what is above a *level*. A *cell* has eight neighbouring voxels as its
corners. Each cell through which the surface passes gets one vertex, the mean of the points at which its edges cross the
level; each edge that crosses it gets a square of the vertices of the four cells around it (Gibson, MICCAI 1998). The
result is closed where the surface does not touch the border of the field, and every triangle faces out.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

CORNERS = np.array(list(product((0, 1), repeat=3)))
"""Corners of a cell (8, 3)."""

EDGES = [(one, other) for one in range(8) for other in range(one) if abs(CORNERS[one] - CORNERS[other]).sum() == 1]
"""Pairs of corners with an edge of the cell between them."""


def surface(field: NDArray[np.floating], level: float) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Vertices (n, 3) in voxels and triangles (m, 3), as indices of vertices, around what is above the level.

    Seen from outside, the vertices of a triangle go round against the clock, in a right-handed grid.
    """
    inside = field > level
    count = sum(inside[_window(corner, inside.shape)].astype(np.int8) for corner in CORNERS)
    cells = np.argwhere((count > 0) & (count < len(CORNERS)))
    numbers = np.full(np.array(field.shape) - 1, -1, np.int64)
    numbers[tuple(cells.T)] = np.arange(len(cells))
    return _vertices(field, level, cells), _triangles(inside, numbers)


def _window(corner: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The voxels that are this corner of a cell."""
    return tuple(slice(start, start + size - 1) for start, size in zip(corner, shape, strict=True))


def _vertices(field: NDArray[np.floating], level: float, cells: NDArray[np.int64]) -> NDArray[np.float32]:
    """The vertex of each cell (n, 3): the mean of the points at which its edges cross the level."""
    values = [field[tuple((cells + corner).T)].astype(np.float64) - level for corner in CORNERS]
    total, crossings = np.zeros(cells.shape), np.zeros(len(cells))
    for one, other in EDGES:
        crossed = (values[one] > 0) != (values[other] > 0)
        share = np.divide(values[one], values[one] - values[other], out=np.zeros(len(cells)), where=crossed)
        at = CORNERS[one] + share[:, None] * (CORNERS[other] - CORNERS[one])
        total += np.where(crossed[:, None], at, 0)
        crossings += crossed
    return (cells + total / crossings[:, None]).astype(np.float32)


def _triangles(inside: NDArray[np.bool_], numbers: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The triangles (m, 3) of all edges that cross the level and have four cells around them."""
    found = []
    for axis in range(3):
        one, other = (np.eye(3, dtype=np.int64)[(axis + k) % 3] for k in (1, 2))
        low, high = (np.take(inside, range(start, inside.shape[axis] - 1 + start), axis) for start in (0, 1))
        edges = np.argwhere(low != high)
        edges = edges[((edges > 0) | (np.eye(3, dtype=bool)[axis])).all(axis=1)]
        edges = edges[(edges < numbers.shape).all(axis=1)]
        square = np.stack([numbers[tuple((edges - away).T)] for away in (0 * one, one, one + other, other)], axis=1)
        outward = low[tuple(edges.T)]
        square[~outward] = square[~outward, ::-1]
        found += [square[:, [0, 1, 2]], square[:, [0, 2, 3]]]
    return np.concatenate(found).astype(np.uint32)
