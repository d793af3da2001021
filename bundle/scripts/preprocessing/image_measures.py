"""Measures of an image that scanners and populations differ in: noise of the brain, its grain, and the share of fluid.

They judge nothing: an audit compares them between scanners and along months. With the median of the brain
(`registration.plausibility`) they are:

* *noise*: standard deviation in HU of what differs between two voxels of the brain `COARSE_MM` apart within a slice, as
  if both had the same tissue. A lower dose and thinner slices raise it.
* *grain*: the same of neighbours within a slice, as a share of that. Noise of a smooth kernel is alike in neighbours,
  0.3 to 0.6; a sharp kernel raises it to 1 and beyond.
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
"""Places inside the skull at which is measured, spread evenly over it."""

FEWEST_PAIRS = 500
"""Pairs of voxels with the HU of brain, without which there is no noise."""

BRAIN_HU = (0.0, 80.0)
"""HU of voxels that are compared: no bone, no air, and nothing that the field of view lacks."""

COARSE_MM = 2.5
"""Distance of the voxels whose difference is the noise: farther than noise is alike, nearer than most borders."""

KEPT_SHARE, NORMAL_MEAN = 0.9, 0.6573
"""Share of the differences that count, the smallest, so that borders do not; and the mean of that share of the absolute
values of normal deviates. The mean of whole HU is finer than their median."""

FLUID_DROP_HU = 12.0
"""How far below the median of the brain fluid begins."""

MEAN_REACH = 1
"""Voxels of 1 mm around a place over which HU are averaged before fluid is told from brain."""

Array = NDArray[np.float64]
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
    if not len(places):
        return {}
    world = transform_points(np.linalg.inv(matrix) @ grid_affine(), places.astype(np.float64))
    index = np.rint(transform_points(np.linalg.inv(affine), world)).astype(np.int64)
    found = {"fluid_share": fluid_share(registered, places)}
    noise, fine = (noise_hu(scan, index, affine, distance) for distance in (COARSE_MM, 0.0))
    if noise:
        found["noise_hu"] = noise
    if noise and fine:
        found["noise_grain"] = fine / noise
    return {name: round(value, 4) for name, value in found.items()}


def inside_places(regions: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Indices (N, 3) of places spread over the hemispheres, at most `PLACES`; none at the border of the grid."""
    inner = slice(MEAN_REACH, REFERENCE_SIZE - MEAN_REACH)
    flat = np.flatnonzero(in_hemispheres(regions[inner, inner, inner]))
    chosen = flat[(np.arange(min(PLACES, flat.size)) * flat.size) // max(min(PLACES, flat.size), 1)]
    side = REFERENCE_SIZE - 2 * MEAN_REACH
    return np.stack(np.unravel_index(chosen, (side, side, side)), axis=1).astype(np.int64) + MEAN_REACH


def fluid_share(registered: Volume, places: NDArray[np.int64]) -> float:
    """The share (0 to 1) of places (N, 3) whose mean HU lies `FLUID_DROP_HU` or more below the median of all."""
    steps = range(-MEAN_REACH, MEAN_REACH + 1)
    total = np.zeros(len(places), dtype=np.float64)
    for step in itertools.product(steps, steps, steps):
        total += registered[tuple((places + step).T)]
    means = total / len(steps) ** 3
    return float((means <= np.median(means) - FLUID_DROP_HU).mean())


def noise_hu(scan: Volume, index: NDArray[np.int64], affine: Array, distance_mm: float) -> float | None:
    """Standard deviation (HU) of the noise of a scan (I, J, K) at indices (N, 3); None where too few are brain.

    Voxels a distance apart within a slice are compared, along both axes of it; neighbours if the distance is less than
    that. The axis across slices is that of the largest spacing, of equal ones the last.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    across = max(range(3), key=lambda axis: (round(float(spacing[axis]), 3), axis))
    found = []
    for axis in {0, 1, 2} - {across}:
        step = np.zeros(3, dtype=np.int64)
        step[axis] = max(round(distance_mm / float(spacing[axis])), 1)
        other = index + step
        seen = np.all((index >= 0) & (other < scan.shape), axis=1)
        first, second = (scan[tuple(at[seen].T)].astype(np.float64) for at in (index, other))
        brain = (first > BRAIN_HU[0]) & (first < BRAIN_HU[1]) & (second > BRAIN_HU[0]) & (second < BRAIN_HU[1])
        found.append(np.abs(first - second)[brain])
    differences = np.sort(np.concatenate(found))
    if differences.size < FEWEST_PAIRS:
        return None
    kept = differences[: int(KEPT_SHARE * differences.size)]
    return float(kept.mean() / NORMAL_MEAN / np.sqrt(2)) or None
