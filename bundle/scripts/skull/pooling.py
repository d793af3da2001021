"""Maxima over fine places: pooled to places 4 mm apart, and the envelope that forgives errors of the pose.

The *envelope* of pooled values is their maximum within 8 mm and, of lines, one line direction to either side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .atlas import Atlas

Values = NDArray[np.float32]


def pooled(values: Values, atlas: Atlas) -> Values:
    """Maxima (rows, m) at pooled places of values (rows, n), not negative, at fine ones; 0 where there is none."""
    order = np.argsort(atlas.pooled_cell, kind="stable")
    cells = atlas.pooled_cell[order]
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    found = np.zeros((len(values), len(atlas.pooled)), dtype=np.float32)
    found[:, cells[first]] = np.maximum.reduceat(values[:, order], first, axis=1)
    return found


def envelope(values: Values, atlas: Atlas) -> Values:
    """Maxima (rows, m) of pooled values (rows, m) around each; several rows are line directions, and cyclic."""
    low = float(values.min(initial=0))
    padded = np.pad(values, ((0, 0), (0, 1)), constant_values=low)
    near = np.stack([row[atlas.pooled_near].max(axis=1) for row in padded])
    if len(near) == 1:
        return near
    return np.asarray(np.maximum(near, np.maximum(np.roll(near, 1, axis=0), np.roll(near, -1, axis=0))))


def known_share(known: NDArray[np.bool_], atlas: Atlas) -> NDArray[np.float64]:
    """Share (m,) of the fine places (n,) of each pooled one that are known."""
    count = np.bincount(atlas.pooled_cell, minlength=len(atlas.pooled))
    return np.asarray(np.bincount(atlas.pooled_cell, known, len(atlas.pooled)) / np.maximum(count, 1))
