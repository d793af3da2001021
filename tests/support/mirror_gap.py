"""How far a skull lies from its own mirror image: the measure of unevenness that tests and benchmarks share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import minimize

STEP_MM = 2.0
"""The skull is taken on voxels of this size; finer ones change the gap by some hundredths."""

LOWEST_MM = 10.0
"""Reference height above which the calvaria lies."""

FAR_MM = 8.0
"""Distances are cut off here in the search for the best plane."""


def mirror_gaps_mm(bone: NDArray[np.bool_], affine: NDArray[np.float64], best: bool = True) -> NDArray[np.float64]:
    """Distances (n,) of the calvaria's surfaces from those of their mirror image, mm; their median is the gap.

    Args:
        bone: (I, J, K), voxels of 1 mm, axes along +R, +A, +S.
        affine: (4, 4), voxel to reference space.
        best: whether to mirror about the plane that makes the distances smallest, instead of x = 0.
    """
    coarse = bone[::2, ::2, ::2]
    depth = ndimage.distance_transform_edt(~coarse) - np.maximum(ndimage.distance_transform_edt(coarse) - 1, 0)
    points = np.argwhere(coarse & (depth == 0)) * STEP_MM + affine[:3, 3]
    points = points[points[:, 2] > LOWEST_MM][::3]

    def distances(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distances (n,) of the points mirrored about a plane: a shift in mm and two slopes in percent."""
        normal = np.array([1.0, numbers[1] / 100, numbers[2] / 100])
        normal /= np.linalg.norm(normal)
        image = points - 2 * ((points - (numbers[0], -8, 12)) @ normal)[:, None] * normal
        index = (image - affine[:3, 3]) / STEP_MM
        return np.abs(ndimage.map_coordinates(depth, index.T, order=1, mode="nearest")) * STEP_MM

    plane = np.zeros(3)
    if best:
        simplex = np.array([(0, 0, 0), (2, 0, 0), (0, 3, 0), (0, 0, 3.0)])
        options = {"xatol": 0.02, "fatol": 0.002, "maxiter": 150, "initial_simplex": simplex}
        found = minimize(
            lambda n: np.minimum(distances(n), FAR_MM).mean(), plane, method="Nelder-Mead", options=options
        )
        plane = found.x
    return distances(plane)
