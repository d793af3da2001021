"""A label map of a whole head made of ellipsoids and balls: every structure that the common space needs, in place."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from scripts.geometry.affines import transform_points
from scripts.simulation.anatomy.common_space import MEAN_CENTROIDS
from scripts.simulation.anatomy.label_map import Anatomy, prepare
from scripts.simulation.anatomy.labels import LEFT_CEREBRUM, STRUCTURES

SPACING_MM = 3.0
CENTRE_MM = np.array((0.0, -2.0, 18.0))
"""Middle of the braincase in reference space."""

SHELLS = ((511, (82, 104, 90)), (507, (79, 101, 87)), (515, (74, 96, 82)), (516, (71, 93, 79)), (515, (69, 91, 77)))
"""Labels and radii (mm) from the outside in."""

NECK_MM, LOWEST_MM = 45.0, -100.0
"""Radius of the neck, and where it ends, in reference space."""

BALL_MM = 5.0
BALLS = tuple(k for k, label in enumerate(STRUCTURES) if label not in (2, 41, 3, 42))
"""Rows of `STRUCTURES` that are drawn as balls; cortex and white matter are shells of the hemispheres."""


def raw_labels(pose: NDArray[np.float64] | None = None) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    """The label map, lying as `pose` (person's mm to reference mm) says, and its affine."""
    labels, affine = _raw_labels(_numbers(pose))
    return labels.copy(), affine.copy()


def toy_anatomy(pose: NDArray[np.float64] | None = None) -> Anatomy:
    """The prepared anatomy; the same one at each call, so that its array can't be written to."""
    return _toy_anatomy(_numbers(pose))


def _numbers(pose: NDArray[np.float64] | None) -> bytes:
    """A pose as what `cache` takes; many modules ask for the same while tests are collected."""
    return np.asarray(np.eye(4) if pose is None else pose, dtype=np.float64).tobytes()


@cache
def _toy_anatomy(numbers: bytes) -> Anatomy:
    anatomy = prepare(*_raw_labels(numbers))
    anatomy.labels.flags.writeable = False
    return anatomy


@cache
def _raw_labels(numbers: bytes) -> tuple[NDArray[np.int16], NDArray[np.float64]]:
    shape = (77, 90, 92)
    affine = np.diag([SPACING_MM] * 3 + [1.0])
    affine[:3, 3] = -SPACING_MM * (np.array(shape) - 1) / 2 + (0, 0, 5)
    voxels = np.indices(shape, dtype=np.float64).reshape(3, -1).T
    points = transform_points(np.frombuffer(numbers).reshape(4, 4) @ affine, voxels)
    x, y, z = points.T.copy()
    labels = np.zeros(len(points), dtype=np.int16)
    labels[(np.hypot(x, y + 20) < NECK_MM) & (z < 0) & (z > LOWEST_MM)] = 507
    for label, radii in (*SHELLS, (24, (66, 88, 74)), (3, (63, 85, 70)), (2, (56, 76, 62))):
        a, b, c = (((axis - at) / radius) ** 2 for axis, at, radius in zip((x, y, z), CENTRE_MM, radii, strict=True))
        labels[a + b + c <= 1] = label
    right = x > 0
    for left_label, right_label in ((2, 41), (3, 42)):
        labels[(labels == left_label) & right] = right_label
    labels[np.isin(labels, (2, 3, 41, 42)) & (np.abs(x) < 1.5)] = 24
    for row in BALLS:
        near = np.flatnonzero(np.abs(x - MEAN_CENTROIDS[row][0]) < BALL_MM)
        labels[near[np.linalg.norm(points[near] - MEAN_CENTROIDS[row], axis=1) < BALL_MM]] = STRUCTURES[row]
    return labels.reshape(shape), affine


def is_left(labels: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Voxels of the left cerebrum."""
    return np.isin(labels, LEFT_CEREBRUM)
