"""Makes the table of mean centroids of `simulation.anatomy.common_space` from the training anatomies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from scripts.geometry.affines import transform_points
from scripts.geometry.coordinates import CENTRE_MM
from scripts.simulation.anatomy.common_space import exchanged, rigid_fit

Array = NDArray[np.float64]

LEVEL_DEG = -20.0
"""Turn about the left-right axis from the first training anatomy's frame to one in which usual head CT is level."""


def mirrored(points: Array) -> Array:
    """The centroids (29, 3) of the mirrored head: x negated, left and right structures exchanged."""
    return np.asarray(exchanged(points) * (-1.0, 1.0, 1.0))


def mean_centroids(heads: Iterable[Array], rounds: int = 30) -> Array:
    """Mirror-symmetric mean (29, 3) of aligned centroids, mm, placed in reference space.

    Each round fits every head and its mirror image rigidly to the mean of the round before. The pitch is `LEVEL_DEG`
    from that of the first head, the place `CENTRE_MM`.
    """
    cloud = [points for head in heads for points in (head, mirrored(head))]
    mean = cloud[0] - np.nanmean(cloud[0], axis=0)
    for _ in range(rounds):
        mean = np.nanmean([transform_points(rigid_fit(points, mean), points) for points in cloud], axis=0)
    mean = transform_points(rigid_fit(mean, (mean + mirrored(mean)) / 2), mean)
    level = np.eye(4)
    level[:3, :3] = Rotation.from_euler("x", LEVEL_DEG, degrees=True).as_matrix()
    level[:3, 3] = CENTRE_MM
    return transform_points(level, (mean + mirrored(mean)) / 2)
