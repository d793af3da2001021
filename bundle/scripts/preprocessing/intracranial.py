"""The space inside a scan's own skull, and the share of it that regions leave out.

All masks (I, J, K) are on one coarse grid of reference space, x toward the right, y toward the front, z upward.

* *Floor*: under each place, the lowest point of the reference's brain; beside it, that of the nearest column.
* *Ring*: places not below the floor with bone on `RING_SIDES` of their four sides in the axial plane. Scalp beside a
  gap in the skull is outside. Inside the ring a brain may reach `REACH_MM` beyond the reference's: foreheads differ.
  Elsewhere it may reach `BEYOND_MM`, for nothing closes the skull below.
* *Soft*: the head without the fat and air within `BASE_MM` above the floor, or below it. The roofs of the orbits and of
  the ethmoid are thin, and may be too faint to count as bone; what lies below them is fat and air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

CORE_MM, BEYOND_MM, REACH_MM, GAP_MM = 16.0, 6.0, 24.0, 4.0
"""Depth inside the reference's brain at which every head has brain; reach of a larger brain beyond the reference's,
anywhere and inside the ring; widest gap in the bone (a suture, a fracture) that still counts as closed."""

BASE_MM, FAT_HU = 14.0, -20.0
"""Height above the floor up to which a roof may be too faint to be seen; less dense than this is fat or air."""

RING_SIDES = 3
"""Of four sides: inside a skull from which a piece is missing, one is open."""

Mask = NDArray[np.bool_]
Array = NDArray[np.floating]


@dataclass(frozen=True)
class SpaceTarget:
    """Places (I, J, K) at which a scan's brain is looked for.

    Attributes:
        above_mm: height above the floor, float32.
        core: so deep in the reference's brain that every head has brain there.
        close: up to `BEYOND_MM` from the reference's brain.
        reach: up to `REACH_MM` from it.
    """

    above_mm: Array
    core: Mask
    close: Mask
    reach: Mask


def space_target(brain: Mask, spacing_mm: float) -> SpaceTarget:
    """What is needed of the mask of the reference's brain."""
    depth = ndimage.distance_transform_edt(brain, sampling=spacing_mm)
    beyond = ndimage.distance_transform_edt(~brain, sampling=spacing_mm)
    return SpaceTarget(above_floor(brain, spacing_mm), depth > CORE_MM, beyond <= BEYOND_MM, beyond <= REACH_MM)


def inside_skull(hu: Array, bone: Mask, head: Mask, target: SpaceTarget, spacing_mm: float) -> Mask:
    """The space that the scan's skull encloses, grown into the voxels at its border that hold bone.

    Args:
        hu: mean density of each voxel.
        bone: voxels with bone in them.
        head: voxels with head in them, inside the field of view.
        target: what is needed of the reference's brain, on the same grid.
        spacing_mm: voxel size.
    """
    above, core = target.above_mm, target.core
    ring = (above >= 0) & target.reach & (bone_sides(bone) >= RING_SIDES)
    near = target.close & (above >= -BEYOND_MM)
    allowed = (near | ring) & (core | soft(hu, head, above)) & head
    free = allowed & ~ndimage.binary_closing(bone, ball(GAP_MM / spacing_mm))
    wide = opened_core(free, spacing_mm) | (core & free)
    inside = ndimage.binary_propagation(core & free, mask=wide)
    steps = int(np.ceil(GAP_MM / spacing_mm))
    grown = ndimage.binary_dilation(inside, iterations=steps, mask=allowed & ~bone)
    return np.asarray(ndimage.binary_dilation(grown, mask=allowed))


def share_left_out(hu: Array, bone: Mask, head: Mask, target: SpaceTarget, taken: Mask, spacing_mm: float) -> float:
    """Share (0 to 1) of the intracranial space that lies outside the mask `taken`; 0 where there is no such space.

    Found without the reach of `inside_skull`: soft places with bone on all four sides, more than `GAP_MM` off the bone.
    Arguments as there.
    """
    closed = soft(hu, head, target.above_mm) & (target.above_mm >= 0) & (bone_sides(bone) == 4)
    space = opened_core(closed & ~ndimage.binary_closing(bone, ball(GAP_MM / spacing_mm)), spacing_mm)
    return float((space & ~taken).sum() / max(1, space.sum()))


def soft(hu: Array, head: Mask, above_mm: Array) -> Mask:
    """The head without fat and air near the floor or below it."""
    return np.asarray(head & ((above_mm >= BASE_MM) | (hu >= FAT_HU)))


def opened_core(free: Mask, spacing_mm: float) -> Mask:
    """Places more than `GAP_MM` from what is not free: nothing leaks through passages narrower than twice that."""
    return np.asarray(ndimage.distance_transform_edt(free, sampling=spacing_mm) > GAP_MM)


def above_floor(brain_there: Mask, spacing_mm: float) -> NDArray[np.float32]:
    """Height in mm of each voxel above the floor."""
    empty = ~brain_there.any(axis=2)
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    floor = brain_there.argmax(axis=2)[tuple(nearest)]
    return np.asarray((np.arange(brain_there.shape[2]) - floor[:, :, None]) * spacing_mm, np.float32)


def bone_sides(bone: Mask) -> NDArray[np.uint8]:
    """Number of the four sides of each place, in its axial plane, on which there is bone."""
    sides = np.zeros(bone.shape, np.uint8)
    for axis in (0, 1):
        sides += np.logical_or.accumulate(bone, axis=axis)
        sides += np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis=axis), axis)
    return sides


def ball(radius: float) -> Mask:
    """A ball of a radius in voxels, as a structuring element."""
    reach = int(np.ceil(radius))
    grid = np.mgrid[-reach : reach + 1, -reach : reach + 1, -reach : reach + 1]
    return np.asarray((grid**2).sum(axis=0) <= radius**2 + 1e-6)
