"""The mean surface of healthy skulls, by which every other skull's own surface is found (see `surface`)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .atlas import atlas
from .directions import Array, mirrored
from .rays import View
from .surface import outermost


class NoBone(ValueError):
    """No head has bone at some place; the message says so."""


def mean_surface(healthy: Iterable[View]) -> Array:
    """Symmetric median radii (m,), mm, of the outermost bone of healthy heads at coarse places.

    Raises:
        NoBone: there is no head, or none with bone along some ray.
    """
    tables = atlas()
    found = np.array([outermost(seen, tables) for seen in healthy])
    if not np.isfinite(found).any(axis=0).all():
        raise NoBone("there is a place of the calvaria where no head has bone")
    radii = np.nanmedian(found, axis=0)
    return np.asarray((radii + mirrored(radii)) / 2)
