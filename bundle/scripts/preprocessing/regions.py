"""Regions of the head and the scores of an anomaly map inside them.

Region labels, in reference space: 1 left hemisphere, 2 right hemisphere (the patient's), 3 skull. The *reference
regions* are those of the reference head. A scan's own *regions* follow its own bone: its hemispheres are the space that
its skull encloses, split at the mid-plane of reference space; its skull is bone near the reference's skull. *Coverage*
is the share of a reference region that lies inside the scan's field of view.

    axial section, seen from the feet

              +-----------------+
              |        3        |         hemispheres: enclosed by the scan's own bone, and at most
              |  +-----+-----+  |         BEYOND_MM outside the reference's brain; split at x = 0
      right   |  |  2  |  1  |  |  left
              |  |     |     |  |         skull: bone within SKULL_MM of the reference's skull;
              |  +-----+-----+  |         gaps up to GAP_MM (suture, fracture) count as closed
              +-----------------+
                                          face, neck, headrest, air: 0

A *region score* pools a map over one region: its maximum (as published), its 99th or 95th percentile, or the mean of
its highest 1 %. A region whose coverage is below `MIN_COVERAGE` gets no score.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.averages import block_means

LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL = 1, 2, 3
REGIONS = {"left_hemisphere": LEFT_HEMISPHERE, "right_hemisphere": RIGHT_HEMISPHERE, "skull": SKULL}
"""Names and labels of the regions, in the order of every output."""

BONE_HU = 300.0
"""Denser than this is bone (or metal)."""

MIN_COVERAGE = 0.95
"""Least share of a region that must lie in the field of view for the region to be scored."""

COARSE = 2
"""Step in voxels at which the inside of the skull is found; its border then follows the scan's bone voxel by voxel."""

CORE_MM, BEYOND_MM, SKULL_MM, GAP_MM = 16.0, 6.0, 6.0, 4.0
"""Depth inside the reference's brain at which every head has brain; reach of a larger brain, and of a larger skull,
beyond the reference's; widest gap in the bone (a suture, a fracture) that still counts as closed."""

Mask = NDArray[np.bool_]


def coverage(valid: Mask, reference_regions: NDArray[np.uint8]) -> dict[str, float]:
    """Share (0 to 1) of each reference region that the field of view `valid` (same shape) holds.

    Raises:
        ValueError: a region is empty in `reference_regions`.
    """
    total = np.bincount(reference_regions.ravel(), minlength=4)
    if not total[1:4].all():
        raise ValueError(f"the reference regions must hold the labels 1, 2 and 3, found {np.unique(reference_regions)}")
    seen = np.bincount(reference_regions[valid], minlength=4)
    return {name: float(seen[label] / total[label]) for name, label in REGIONS.items()}


def own_regions(
    hu: NDArray[np.floating], head: Mask, reference_regions: NDArray[np.uint8], spacing_mm: float = 1.0
) -> NDArray[np.uint8]:
    """Regions (I, J, K) of one registered scan.

    Args:
        hu: the registered scan in HU, on the reference grid.
        head: its foreground, without what lies outside the field of view.
        reference_regions: labels of the reference head on the same grid.
        spacing_mm: voxel size of the grid, which has an even number of voxels a side.
    """
    bone = head & (hu > BONE_HU)
    brain_there = block_means(np.isin(reference_regions, (LEFT_HEMISPHERE, RIGHT_HEMISPHERE)), COARSE) >= 0.5
    skull_there = block_means(reference_regions == SKULL, COARSE) > 0
    bone_share = block_means(bone, COARSE)
    step_mm = COARSE * spacing_mm
    brain = _inside_skull(bone_share > 0, brain_there, step_mm)
    skull = within(skull_there, SKULL_MM, step_mm) & ~brain
    middle = hu.shape[0] // 2
    side = np.where(np.arange(hu.shape[0]) < middle, LEFT_HEMISPHERE, RIGHT_HEMISPHERE).astype(np.uint8)
    regions = np.where(_fine(brain) & head & ~bone, side[:, None, None], 0).astype(np.uint8)
    table = ndimage.binary_closing(bone_share >= 0.5, _ball(GAP_MM / 2 / step_mm)) & skull
    regions[(_fine(table) | (bone & _fine(skull))) & head & (regions == 0)] = SKULL
    return regions


def within(mask: Mask, distance_mm: float, spacing_mm: float) -> Mask:
    """Voxels that lie at most `distance_mm` from the mask."""
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing_mm) <= distance_mm)


def _inside_skull(bone: Mask, brain_there: Mask, spacing_mm: float) -> Mask:
    """The space enclosed by bone: the part of ~bone that is connected with the reference's brain and lies near it."""
    core = ndimage.distance_transform_edt(brain_there, sampling=spacing_mm) > CORE_MM
    near = within(brain_there, BEYOND_MM, spacing_mm)
    free = near & ~ndimage.binary_closing(bone, _ball(GAP_MM / spacing_mm))
    inside = ndimage.binary_propagation(core & free, mask=_opened(free, core, spacing_mm))
    return np.asarray(within(inside, GAP_MM, spacing_mm) & near)


def _opened(free: Mask, core: Mask, spacing_mm: float) -> Mask:
    """`free` without parts behind narrow passages, so that foramina and orbits don't leak into the brain."""
    return np.asarray(ndimage.distance_transform_edt(free, sampling=spacing_mm) > GAP_MM) | (core & free)


def _ball(radius: float) -> Mask:
    """A ball of a radius in voxels, as a structuring element."""
    reach = int(np.ceil(radius))
    grid = np.mgrid[-reach : reach + 1, -reach : reach + 1, -reach : reach + 1]
    return np.asarray((grid**2).sum(axis=0) <= radius**2 + 1e-6)


def _fine(mask: Mask) -> Mask:
    """A mask of blocks as a mask of voxels."""
    for axis in range(3):
        mask = np.repeat(mask, COARSE, axis=axis)
    return mask


def scored_regions(regions: NDArray[np.uint8], scores: Mapping[str, float | None]) -> NDArray[np.uint8]:
    """`regions` without those that have no score; all of them where none has one."""
    without = [REGIONS[name] for name, score in scores.items() if score is None]
    return np.where(np.isin(regions, without), 0, regions).astype(np.uint8) if len(without) < len(REGIONS) else regions
