"""The difference of two heatmaps of one patient, in reference space.

Both maps are smoothed over the brain that both scans show, since poses of repeated scans differ by a millimetre or two.
The *difference* is after minus before; it is 0 outside the brain that both show. Its largest rise and fall in each
hemisphere are compared with what repeated scans of unchanged heads reach anywhere in a hemisphere (see `repeats`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry.affines import transform_points
from ...geometry.averages import gaussian_means
from ...geometry.coordinates import grid_affine
from ...preprocessing.regions import REGIONS, SKULL
from .placed import STRIDE, Floats, Placed

SMOOTHING_MM = 3.0
"""Standard deviation of the Gaussian."""

HEMISPHERES = {name: label for name, label in REGIONS.items() if label != SKULL}
"""Labels of the hemispheres by name."""


@dataclass(frozen=True, eq=False)
class Difference:
    """The difference of two maps, and the brain that both scans show, labelled as in `Placed`; (128, 128, 128) each."""

    values: Floats
    brain: NDArray[np.uint8]


@dataclass(frozen=True)
class Extremes:
    """The largest rise and the largest fall in a hemisphere, 0 or more, and their places in reference RAS mm."""

    rise: float
    fall: float
    rise_mm: tuple[float, float, float]
    fall_mm: tuple[float, float, float]

    @property
    def largest(self) -> float:
        """The larger of both."""
        return max(self.rise, self.fall)


def difference(before: Placed, after: Placed) -> Difference:
    """The difference of two scans' maps."""
    both = (before.brain > 0) & (after.brain > 0)
    means = [
        gaussian_means(np.where(both, scan.heat, np.float32(0)), both, SMOOTHING_MM / STRIDE)[0]
        for scan in (before, after)
    ]
    values = np.where(both, means[1] - means[0], np.float32(0)).astype(np.float32)
    return Difference(values, np.where(both, after.brain, np.uint8(0)))


def extremes(found: Difference) -> dict[str, Extremes | None]:
    """The extremes by the name of the hemisphere; None where no part of it is in both scans."""
    return {name: _extremes(found, label) for name, label in HEMISPHERES.items()}


def _extremes(found: Difference, label: int) -> Extremes | None:
    """The extremes in the voxels of a label."""
    voxels = np.argwhere(found.brain == label)
    if not len(voxels):
        return None
    values = found.values[tuple(voxels.T)]
    high, low = (voxel_mm(voxels[int(at)]) for at in (values.argmax(), values.argmin()))
    return Extremes(max(0.0, float(values.max())), max(0.0, float(-values.min())), high, low)  # no -0.0


def voxel_mm(voxel: NDArray[np.intp]) -> tuple[float, float, float]:
    """Reference RAS mm of a voxel (3,) of the comparison's grid."""
    x, y, z = (round(float(part), 1) for part in transform_points(grid_affine(STRIDE), voxel))
    return x, y, z
