"""A label map made of ellipsoids, small enough for tests, and HU for it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

SHAPE = (88, 108, 92)
SPACING_MM = 2.0
CENTRE = (43.5, 53.5, 45.5)
"""Middle of the braincase in voxels; the mid-plane is between voxels 43 and 44."""

SHELLS = (
    (511, (80, 98, 86)),
    (507, (78, 96, 84)),
    (515, (74, 92, 80)),
    (516, (71, 89, 77)),
    (515, (69, 87, 75)),
    (24, (66, 84, 72)),
    (3, (63, 81, 68)),
    (2, (56, 74, 61)),
)
"""Labels and radii (mm), from the outside in."""

INNER_MM, OUTER_MM = np.array((66.0, 84, 72)), np.array((74.0, 92, 80))
"""Radii of the inner and the outer table."""


def toy_labels() -> NDArray[np.int16]:
    """The label map: shells around a brain with two hemispheres, ventricles and a cerebellum."""
    return _painted().copy()


@cache
def _painted() -> NDArray[np.int16]:
    """The label map, which many modules ask for while tests are collected."""
    axes_mm = [
        (axis - middle) * SPACING_MM for axis, middle in zip(np.ogrid[tuple(map(slice, SHAPE))], CENTRE, strict=True)
    ]
    labels = np.zeros(SHAPE, np.int16)

    def paint(label: int, radii: tuple[float, ...], centre: tuple[float, ...] = (0, 0, 0)) -> None:
        x, y, z = (((axis - at) / radius) ** 2 for axis, at, radius in zip(axes_mm, centre, radii, strict=True))
        labels[x + y + z <= 1] = label

    for label, radii in SHELLS:
        paint(label, radii)
    paint(4, (8, 30, 10), (-13, 5, 8))
    paint(4, (8, 30, 10), (13, 5, 8))
    paint(8, (45, 32, 20), (0, -40, -40))
    right = np.broadcast_to(axes_mm[0] > 0, SHAPE)
    for left_label, right_label in ((2, 41), (3, 42), (4, 43), (8, 47)):
        labels[(labels == left_label) & right] = right_label
    return labels


def toy_hu(labels: NDArray[np.int16]) -> NDArray[np.float32]:
    """HU of the label map, one value a label."""
    table = np.full(600, 38.0, np.float32)
    table[[0, 511, 507, 515, 516, 24, 4, 43, 2, 41]] = -1000, -20, 40, 1000, 450, 8, 5, 5, 29, 29
    return table[labels]
