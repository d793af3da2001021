"""Places on the calvaria: directions from a centre inside the head, left and right as exact mirror images.

A *place* is a unit vector (x right, y anterior, z superior) from `geometry.coordinates.CENTRE_MM` in reference space.
Places are those of a Fibonacci sphere with x > 0, followed by their mirror images: place i + n / 2 is the mirror image
of place i. Only those above the skull base are kept. Distances between places are given in mm on a sphere of
`RADIUS_MM`. The *frame* of a place is the x and the y axis carried from the vertex along a great circle, so that it is
smooth everywhere but at the nadir. A *line direction* k of `LINES` is the angle 180 k / `LINES` degrees in this frame;
a *heading* k of 2 `LINES` is the same angle with a sense.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int32]

RADIUS_MM = 85.0
"""Radius of the sphere on which distances between places are measured: that of a calvaria."""

LINES = 12
"""Line directions, 15 degrees apart."""

TILT_DEG, LOWEST_DEG = 18.0, -12.0
"""Slope of the skull base, falling to the back, and the lowest elevation above this slope: 6 degrees at the forehead,
-30 at the occiput. Below are orbits, petrous bones and the neck."""


def fibonacci_sphere(count: int) -> Array:
    """Nearly evenly spaced unit vectors (count, 3)."""
    n = np.arange(count) + 0.5
    z, turn = 1 - 2 * n / count, np.pi * (1 + 5**0.5) * n
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)


def calvaria(spacing_mm: float) -> Array:
    """Places (n, 3) above the skull base, about `spacing_mm` apart: the right half, then its mirror image."""
    sphere = fibonacci_sphere(round(4 * np.pi * (RADIUS_MM / spacing_mm) ** 2))
    right = sphere[(sphere[:, 0] > 0) & above_base(sphere)]
    return np.concatenate([right, right * (-1, 1, 1)])


def above_base(directions: Array) -> NDArray[np.bool_]:
    """True for the directions (n, 3) above the skull base."""
    tilt = np.deg2rad(TILT_DEG)
    up = np.array([0.0, -np.sin(tilt), np.cos(tilt)])
    return np.asarray(directions @ up > np.sin(np.deg2rad(LOWEST_DEG)))


def mirrored(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Values (..., n) of places as the mirror images of the places have them."""
    return np.roll(values, values.shape[-1] // 2, axis=-1)


def mirrored_lines(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Values (`LINES`, n) of lines as mirror images have them: angle a at a place is 180 - a at its mirror image."""
    return np.asarray(mirrored(values)[-np.arange(LINES) % LINES])


def frames(places: Array) -> tuple[Array, Array]:
    """The two tangents (n, 3) at places (n, 3): x and y axis, carried from the vertex along a great circle."""
    lean = (np.array([0.0, 0.0, 1.0]) + places) / (1 + places[:, 2:])
    axes = np.eye(3)
    return axes[0] - places[:, :1] * lean, axes[1] - places[:, 1:2] * lean


def moved(places: Array, heading_deg: float, distance_mm: float) -> Array:
    """Places (n, 3) after `distance_mm` along a great circle with a heading in the frame of each."""
    first, second = frames(places)
    turn, angle = np.deg2rad(heading_deg), distance_mm / RADIUS_MM
    along = np.cos(turn) * first + np.sin(turn) * second
    return np.asarray(np.cos(angle) * places + np.sin(angle) * along)
