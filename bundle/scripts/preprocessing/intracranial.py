"""The space inside a scan's own skull, for its regions; and found in another way, to see what they leave out.

All masks (I, J, K) are on one coarse grid of reference space, x toward the right, y toward the front, z upward.

* *Floor*: under each place, the lowest point of the reference's brain; beside it, that of the nearest column.
* *Lowest floor*: the lowest floor within `AROUND_MM`; in the front third of the reference's brain and before it, the
  floor lowered by `FRONT_MM`.
* *Ring*: places not below the floor with bone on `RING_SIDES` of their four sides in the axial plane, or not below the
  lowest floor with bone on all four. Scalp beside a gap in the skull is outside. Inside the ring a brain may reach
  `REACH_MM` beyond the reference's: foreheads differ. Elsewhere it may reach `BEYOND_MM`, for nothing closes the skull
  below.
* *Soft*: the head without the fat and air within `BASE_MM` above the floor, or below it. The roofs of the orbits and of
  the ethmoid are thin, and may be too faint to count as bone; what lies below them is fat and air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.distances import deeper_than

CORE_MM, BEYOND_MM, REACH_MM, GAP_MM = 16.0, 6.0, 24.0, 4.0
"""Depth inside the reference's brain at which every head has brain; reach of a larger brain beyond the reference's,
anywhere and inside the ring; widest gap in the bone (a suture, a fracture) that still counts as closed."""

AROUND_MM, FRONT_MM = 8.0, 20.0
"""Distance at which floors count: a lobe wider than the reference's reaches as low as the reference's does beside it.
Depth below the floor of the space over the orbits, whose height differs most between heads."""

NARROW_MM = 2.0
"""Half the width of the narrowest passage that `enclosed_space` follows."""

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
        above_lowest_mm: height above the lowest floor, float32.
        core: so deep in the reference's brain that every head has brain there.
        close: up to `BEYOND_MM` from the reference's brain.
        reach: up to `REACH_MM` from it.
    """

    above_mm: Array
    above_lowest_mm: Array
    core: Mask
    close: Mask
    reach: Mask


def space_target(brain: Mask, spacing_mm: float) -> SpaceTarget:
    """What is needed of the mask of the reference's brain."""
    depth = ndimage.distance_transform_edt(brain, sampling=spacing_mm)
    beyond = ndimage.distance_transform_edt(~brain, sampling=spacing_mm)
    floors = above_floor(brain, spacing_mm), above_lowest_floor(brain, spacing_mm)
    return SpaceTarget(*floors, depth > CORE_MM, beyond <= BEYOND_MM, beyond <= REACH_MM)


def inside_skull(hu: Array, bone: Mask, head: Mask, target: SpaceTarget, spacing_mm: float) -> Mask:
    """The space that the scan's skull encloses, grown into the voxels at its border that hold bone.

    Args:
        hu: mean density of each voxel.
        bone: voxels with bone in them.
        head: voxels with head in them, inside the field of view.
        target: what is needed of the reference's brain, on the same grid.
        spacing_mm: voxel size.
    """
    above, core, sides = target.above_mm, target.core, bone_sides(bone)
    ring = target.reach & (((above >= 0) & (sides >= RING_SIDES)) | ((target.above_lowest_mm >= 0) & (sides == 4)))
    near = target.close & (above >= -BEYOND_MM)
    allowed = (near | ring) & (core | soft(hu, head, above)) & head
    free = allowed & ~ndimage.binary_closing(bone, ball(GAP_MM / spacing_mm))
    # Nothing leaks through passages narrower than twice this.
    wide = deeper_than(free, GAP_MM, spacing_mm) | (core & free)
    inside = ndimage.binary_propagation(core & free, mask=wide)
    steps = int(np.ceil(GAP_MM / spacing_mm))
    grown = ndimage.binary_dilation(inside, iterations=steps, mask=allowed & ~bone)
    return np.asarray(ndimage.binary_dilation(grown, mask=allowed))


def enclosed_space(hu: Array, bone: Mask, head: Mask, target: SpaceTarget, spacing_mm: float) -> Mask:
    """The space with bone on all four sides, up to the voxels at its border that hold bone.

    It knows no reach, and starts from the lowest floor. So it tells what `inside_skull` misses, but not what lies
    deeper, in a skull that is open to a side, or behind passages narrower than twice `NARROW_MM`. Arguments as there.
    """
    closed = soft(hu, head, target.above_mm) & (target.above_lowest_mm >= 0) & (bone_sides(bone) == 4)
    free = closed & ~ndimage.binary_closing(bone, ball(GAP_MM / spacing_mm))
    wide = deeper_than(free, NARROW_MM, spacing_mm) | (target.core & free)
    inside = ndimage.binary_propagation(target.core & free, mask=wide)
    steps = int(np.ceil(GAP_MM / spacing_mm))
    grown = ndimage.binary_dilation(inside, iterations=steps, mask=closed & ~bone)
    return np.asarray(ndimage.binary_dilation(grown, mask=closed))


def soft(hu: Array, head: Mask, above_mm: Array) -> Mask:
    """The head without fat and air near the floor or below it."""
    return np.asarray(head & ((above_mm >= BASE_MM) | (hu >= FAT_HU)))


def above_floor(brain_there: Mask, spacing_mm: float, around_mm: float = 0.0) -> NDArray[np.float32]:
    """Height in mm of each voxel above the floor, or above the lowest floor `around_mm` around it."""
    empty = ~brain_there.any(axis=2)
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    reach = ball(around_mm / spacing_mm)
    floor = ndimage.minimum_filter(brain_there.argmax(axis=2)[tuple(nearest)], footprint=reach.any(axis=2))
    return np.asarray((np.arange(brain_there.shape[2]) - floor[:, :, None]) * spacing_mm, np.float32)


def above_lowest_floor(brain_there: Mask, spacing_mm: float) -> NDArray[np.float32]:
    """Height in mm of each voxel above the lowest floor."""
    lowest = above_floor(brain_there, spacing_mm, AROUND_MM)
    back, front = np.flatnonzero(brain_there.any(axis=(0, 2)))[[0, -1]]
    third = slice(front - (front - back) // 3, None)
    lowest[:, third] = above_floor(brain_there, spacing_mm)[:, third] + FRONT_MM
    return lowest


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
