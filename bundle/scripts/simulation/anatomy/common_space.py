"""The space that all anatomies share, and the rigid fit that brings a head into it.

*Reference space* is that of `geometry.coordinates`: RAS mm, the mid-sagittal plane at x = 0. A head belongs into it by
the rigid transform (rotation and translation, no scale) that brings the centroids of its structures closest, in least
squares, to the table `MEAN_CENTROIDS` (Kabsch, Acta Cryst. A32, 1976). The table is a generalised Procrustes mean over
the training anatomies and their mirror images, turned about the left-right axis so that CT as it is usually acquired
lies level, and placed so that the whole cranium is inside the grid (`tests/support/mean_centroids.py` makes it).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .labels import PAIRS, STRUCTURES

Array = NDArray[np.float64]

MEAN_CENTROIDS: Array = np.array(
    [
        (-27.03, -14.72, 32.69),  # 2 left cerebral white matter
        (27.03, -14.72, 32.69),  # 41 right cerebral white matter
        (-30.78, -13.61, 30.36),  # 3 left cerebral cortex
        (30.78, -13.61, 30.36),  # 42 right cerebral cortex
        (-13.87, -7.68, 31.43),  # 4 left lateral ventricle
        (13.87, -7.68, 31.43),  # 43 right lateral ventricle
        (-16.44, -36.06, -19.73),  # 7 left cerebellar white matter
        (16.44, -36.06, -19.73),  # 46 right cerebellar white matter
        (-22.36, -43.85, -25.49),  # 8 left cerebellar cortex
        (22.36, -43.85, -25.49),  # 47 right cerebellar cortex
        (-12.58, -11.08, 22.46),  # 10 left thalamus
        (12.58, -11.08, 22.46),  # 49 right thalamus
        (-15.27, 13.01, 31.82),  # 11 left caudate
        (15.27, 13.01, 31.82),  # 50 right caudate
        (-25.9, 7.3, 21.35),  # 12 left putamen
        (25.9, 7.3, 21.35),  # 51 right putamen
        (-20.7, 3.9, 19.17),  # 13 left pallidum
        (20.7, 3.9, 19.17),  # 52 right pallidum
        (-25.17, -10.72, 4.39),  # 17 left hippocampus
        (25.17, -10.72, 4.39),  # 53 right hippocampus
        (-23.81, 7.35, 3.87),  # 18 left amygdala
        (23.81, 7.35, 3.87),  # 54 right amygdala
        (-9.51, 18.65, 18.1),  # 26 left accumbens
        (9.51, 18.65, 18.1),  # 58 right accumbens
        (-11.02, -5.9, 9.89),  # 28 left ventral diencephalon
        (11.02, -5.9, 9.89),  # 60 right ventral diencephalon
        (0.0, -1.05, 16.52),  # 14 third ventricle
        (0.0, -28.64, -16.78),  # 15 fourth ventricle
        (0.0, -15.51, -12.38),  # 16 brain stem
    ]
)
"""Centroids (29, 3), reference RAS mm, of `labels.STRUCTURES`, in that order: the mean of the training anatomies."""


def rigid_fit(moving: Array, fixed: Array) -> Array:
    """The rigid 4x4 that brings points `moving` (n, 3) closest to `fixed` (n, 3); rows with NaN are left out.

    Raises:
        ValueError: fewer than three pairs are left.
    """
    usable = np.isfinite(moving).all(axis=1) & np.isfinite(fixed).all(axis=1)
    if usable.sum() < 3:
        raise ValueError(f"a rigid fit needs three pairs of points, got {int(usable.sum())}; is the head complete?")
    a, b = moving[usable], fixed[usable]
    rotation, _ = Rotation.align_vectors(b - b.mean(0), a - a.mean(0))
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.as_matrix()
    matrix[:3, 3] = b.mean(0) - matrix[:3, :3] @ a.mean(0)
    return matrix


def exchanged(points: Array) -> Array:
    """Centroids (29, 3) with those of left and right structures exchanged."""
    partner = {**{left: right for left, right, _ in PAIRS}, **{right: left for left, right, _ in PAIRS}}
    return points[[STRUCTURES.index(partner.get(label, label)) for label in STRUCTURES]]


def to_reference(centroids: Array) -> Array:
    """The rigid 4x4, a head's RAS mm to reference RAS mm, for its structure centroids (29, 3)."""
    return rigid_fit(centroids, MEAN_CENTROIDS)
