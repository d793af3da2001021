"""Measures of an image that scanners and populations differ in: noise of the brain, its grain, and the share of fluid.

They judge nothing: an audit compares them between scanners and along months. With the median of the brain
(`registration.plausibility`) they are:

* *noise*: standard deviation in HU, from differences of voxels `COARSE_MM` apart in a slice of the brain. A lower dose
  and thinner slices raise it. Grey against white matter adds about 3 HU to it, in squares.
* *grain*, how fine the noise is: the same from differences of voxels `FINE_MM` apart, as a share of that. Noise of a
  smooth kernel is alike in neighbours, so that it is 0.3 to 0.6; of noise without any likeness it is 1.
* *fluid*: the share of the space inside the skull that is `FLUID_DROP_HU` or more below its median, in means over 3 mm:
  wide ventricles and sulci raise it, as do age and atrophy.

The first two are measured on the scan's own grid, where nothing is interpolated, at places of the brain that are known
from the registered scan.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from ..geometry.affines import transform_points
from ..geometry.coordinates import REFERENCE_SIZE, grid_affine
from .regions import in_hemispheres

PLACES = 20_000
"""Number of places inside the skull, spread evenly over it, at which noise and fluid are measured."""

FEWEST_PAIRS = 500
"""Pairs of voxels with the HU of brain, without which there is no noise."""

AROUND_HU = 60.0
"""Largest distance from their median of the HU of voxels that are compared: no bone, no air, nothing out of view."""

COARSE_MM, FINE_MM = 2.5, 0.6
"""Distances of the voxels that are compared: farther than noise is alike, and nearer. In wider pixels than the latter
grain is not measured. HU differ with the distance as in between of the next smaller and larger number of voxels."""

KEPT_SHARE, NORMAL_MEAN = 0.9, 0.6573
"""Share of the differences that count, the smallest, so that borders do not; and the mean of that share of the absolute
values of normal deviates. The mean of whole HU is finer than their median."""

LEAST_HU = -100.0
"""Less than this is neither brain nor fluid: air, or what a field of view lacks."""

FLUID_DROP_HU = 12.0
"""Distance in HU below the median of the brain at which fluid begins."""

MEAN_REACH = 1
"""Voxels of 1 mm around a place over which HU are averaged before fluid is told from brain."""

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Volume = NDArray[np.generic]


def image_measures(
    registered: Volume, regions: NDArray[np.uint8], scan: Volume, affine: Array, matrix: Array
) -> dict[str, float]:
    """Measures by name: `noise_hu`, `noise_grain` and `fluid_share`, without those that can't be measured.

    Args:
        registered: HU (256, 256, 256) on the reference grid.
        regions: labels of the scan's own regions on that grid.
        scan: HU (I, J, K) on the scan's own grid.
        affine: of the scan's own grid (4, 4), to RAS mm.
        matrix: of the registration (4, 4), from the scan's RAS mm to those of the reference.
    """
    places = inside_places(regions)
    world = transform_points(np.linalg.inv(matrix) @ grid_affine(), places.astype(np.float64))
    index = np.rint(transform_points(np.linalg.inv(affine), world)).astype(np.int64)
    index = index[np.all((index >= 0) & (index < scan.shape), axis=1)]
    noise, fine = (noise_hu(scan, index, affine, distance) for distance in (COARSE_MM, FINE_MM))
    found = {"noise_hu": noise, "noise_grain": fine / noise if noise and fine else None}
    found["fluid_share"] = fluid_share(registered, places)
    return {name: round(value, 4) for name, value in found.items() if value is not None}


def inside_places(regions: NDArray[np.uint8]) -> Index:
    """Indices (N, 3) of places spread over the hemispheres, at most `PLACES`; none at the border of the grid."""
    inner = slice(MEAN_REACH, REFERENCE_SIZE - MEAN_REACH)
    flat = np.flatnonzero(in_hemispheres(regions[inner, inner, inner]))
    count = min(PLACES, flat.size)
    chosen = flat[(np.arange(count) * flat.size) // max(count, 1)]
    side = REFERENCE_SIZE - 2 * MEAN_REACH
    return np.stack(np.unravel_index(chosen, (side, side, side)), axis=1).astype(np.int64) + MEAN_REACH


def fluid_share(registered: Volume, places: Index) -> float | None:
    """The share (0 to 1) of places (N, 3) whose mean HU lies `FLUID_DROP_HU` or more below the median of all.

    Places beside air, or beside what is out of view, do not count; None if no others are left.
    """
    steps = range(-MEAN_REACH, MEAN_REACH + 1)
    total, least = np.zeros(len(places)), np.full(len(places), np.inf)
    for step in itertools.product(steps, steps, steps):
        values = registered[tuple((places + step).T)].astype(np.float64)
        total, least = total + values, np.minimum(least, values)
    means = total[least >= LEAST_HU] / len(steps) ** 3
    return float((means <= np.median(means) - FLUID_DROP_HU).mean()) if means.size else None


def noise_hu(scan: Volume, index: Index, affine: Array, distance_mm: float) -> float | None:
    """Standard deviation (HU) of the noise of a scan (I, J, K), from voxels a distance apart within a slice.

    None where too few of the voxels at the indices (N, 3) are brain, where pixels are wider than the distance, or where
    nothing differs.
    """
    if not len(index):
        return None
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    middle = float(np.median(scan[tuple(index.T)]))
    variances = []
    for axis in within_slice(spacing):
        steps = distance_mm / float(spacing[axis])
        whole = int(steps)
        if not whole:
            return None
        pair = [_variance(scan, index, axis, number, middle) for number in (whole, whole + 1)]
        if pair[0] is None or pair[1] is None:
            return None
        variances.append(pair[0] + (steps - whole) * (pair[1] - pair[0]))
    return float(np.sqrt(np.mean(variances))) or None


def within_slice(spacing: Array) -> list[int]:
    """The two axes of a slice, of the spacings (3,) of a grid: those whose spacings are most alike.

    The axis across is the third; where each could be, that of the largest spacing, and of equal ones the last.
    """
    rounded = np.round(spacing, 3)

    def unlike(across: int) -> tuple[float, float, int]:
        first, second = np.delete(rounded, across)
        return abs(float(first) - float(second)), -float(rounded[across]), -across

    across = min(range(3), key=unlike)
    return [axis for axis in range(3) if axis != across]


def _variance(scan: Volume, index: Index, axis: int, steps: int, middle: float) -> float | None:
    """Half the variance of the differences along an axis, robust to borders; None where too few voxels are brain."""
    other = index.copy()
    other[:, axis] += steps
    seen = other[:, axis] < scan.shape[axis]
    first, second = (scan[tuple(at[seen].T)].astype(np.float64) for at in (index, other))
    brain = (np.abs(first - middle) < AROUND_HU) & (np.abs(second - middle) < AROUND_HU)
    differences = np.sort(np.abs(first - second)[brain])
    if differences.size < FEWEST_PAIRS:
        return None
    kept = differences[: int(KEPT_SHARE * differences.size)]
    return float((kept.mean() / NORMAL_MEAN) ** 2 / 2)
