"""Regions of the head and the scores of an anomaly map inside them.

Region labels, in reference space: 1 left hemisphere, 2 right hemisphere (the patient's), 3 skull. The *reference
regions* are those of the reference head. A scan's own *regions* follow its own bone: its hemispheres are the space that
its skull encloses, split at the mid-plane of reference space; its skull is bone near the reference's skull. *Coverage*
is the share of a reference region that lies inside the scan's field of view.

    axial section, seen from the feet

              +-----------------+
              |        3        |         hemispheres: enclosed by the scan's own bone, see
              |  +-----+-----+  |         `intracranial`; split at x = 0
      right   |  |  2  |  1  |  |  left
              |  |     |     |  |         skull: bone within SKULL_MM of the reference's skull
              |  +-----+-----+  |         or around larger hemispheres; gaps of GAP_MM (suture,
              +-----------------+         fracture) count as closed
                                          face, neck, headrest, air: 0

A *region score* pools a map over one region: its maximum (as published), its 99th or 95th percentile, or the mean of
its highest 1 %. The score of a region that the field of view cuts is that of what is in view; with a coverage below
`LEAST_COVERAGE` there is none. Only region scores of a coverage of `WHOLE_COVERAGE` or more teach thresholds. Those of
the unrolled skull are taught by skulls with half of the calvaria in view or more (`skull.measure.LEAST_IN_VIEW`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.averages import block_means
from ..geometry.distances import within
from .intracranial import GAP_MM, SpaceTarget, ball, enclosed_space, inside_skull, space_target

LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL = 1, 2, 3
REGIONS = {"left_hemisphere": LEFT_HEMISPHERE, "right_hemisphere": RIGHT_HEMISPHERE, "skull": SKULL}
"""Names and labels of the regions, in the order of every output."""

BONE_HU = 300.0
"""Denser than this is bone (or metal)."""

WHOLE_COVERAGE, LEAST_COVERAGE = 0.95, 0.5
"""Coverage from which on a region counts as whole, and below which it has no score: see docs/benchmarks.md."""

COARSE = 2
"""Step in voxels at which the inside of the skull is found; its border then follows the scan's bone voxel by voxel."""

SKULL_MM, THICK_MM = 6.0, 12.0
"""Reach of a larger skull beyond the reference's; thickness of the skull around hemispheres that reach farther."""

Mask = NDArray[np.bool_]


def in_hemispheres(labels: NDArray[np.uint8]) -> Mask:
    """Mask of the voxels of both hemispheres, of labels of any shape."""
    return np.asarray((labels == LEFT_HEMISPHERE) | (labels == RIGHT_HEMISPHERE))  # thirty times as fast as `np.isin`


def coverage(valid: Mask, reference_regions: NDArray[np.uint8]) -> dict[str, float]:
    """Share (0 to 1) of each reference region that the field of view `valid` (same shape) holds.

    Raises:
        ValueError: a region is empty in `reference_regions`.
    """
    places = {name: reference_regions == label for name, label in REGIONS.items()}
    total = {name: np.count_nonzero(place) for name, place in places.items()}
    if not all(total.values()):
        raise ValueError(f"the reference regions must hold the labels 1, 2 and 3, found {np.unique(reference_regions)}")
    return {name: np.count_nonzero(place & valid) / total[name] for name, place in places.items()}


@dataclass(frozen=True)
class RegionTarget:
    """Places of a scan's regions on blocks of `COARSE` voxels a side: of its brain, and of the bone of its skull."""

    brain: SpaceTarget
    skull: Mask


def region_target(reference_regions: NDArray[np.uint8], spacing_mm: float = 1.0) -> RegionTarget:
    """The places that follow from the reference regions (N, N, N), N even, with voxels of `spacing_mm`."""
    brain = block_means(in_hemispheres(reference_regions), COARSE) >= 0.5
    skull, step_mm = block_means(reference_regions == SKULL, COARSE) > 0, COARSE * spacing_mm
    return RegionTarget(space_target(brain, step_mm), within(skull, SKULL_MM, step_mm))


@dataclass(frozen=True)
class Blocks:
    """A registered scan on blocks of `COARSE` voxels a side: mean HU, and the shares of each that are bone and head.

    `bone` is the mask of the bone, on voxels.
    """

    hu: NDArray[np.float32]
    bone_share: NDArray[np.float32]
    head_share: NDArray[np.float32]
    bone: Mask


def in_blocks(hu: NDArray[np.floating], head: Mask) -> Blocks:
    """The blocks of a registered scan (N, N, N) in HU with its foreground."""
    bone = head & (hu > BONE_HU)
    return Blocks(block_means(hu, COARSE), block_means(bone, COARSE), block_means(head, COARSE), bone)


def own_regions(
    hu: NDArray[np.floating], head: Mask, target: RegionTarget, spacing_mm: float = 1.0, blocks: Blocks | None = None
) -> NDArray[np.uint8]:
    """Regions (I, J, K) of one registered scan.

    Args:
        hu: the registered scan in HU, on the reference grid.
        head: its foreground, without what lies outside the field of view.
        target: of the reference regions on the same grid.
        spacing_mm: voxel size of the grid.
        blocks: of the scan, where they are known.
    """
    coarse, step_mm = blocks or in_blocks(hu, head), COARSE * spacing_mm
    brain = inside_skull(coarse.hu, coarse.bone_share > 0, coarse.head_share > 0, target.brain, step_mm)
    larger = brain & ~target.brain.close
    skull = (target.skull | within(larger, THICK_MM, step_mm)) & ~ndimage.binary_erosion(brain)
    middle = hu.shape[0] // 2
    side = np.where(np.arange(hu.shape[0]) < middle, LEFT_HEMISPHERE, RIGHT_HEMISPHERE).astype(np.uint8)
    regions = np.where(_fine(brain) & head & ~coarse.bone, side[:, None, None], np.uint8(0))
    table = ndimage.binary_closing(coarse.bone_share >= 0.5, ball(GAP_MM / 2 / step_mm)) & skull & ~brain
    regions[(_fine(table) | (coarse.bone & _fine(skull))) & head & (regions == 0)] = SKULL
    return regions


def share_in_no_region(
    hu: NDArray[np.floating],
    head: Mask,
    regions: NDArray[np.uint8],
    target: RegionTarget,
    spacing_mm: float = 1.0,
    blocks: Blocks | None = None,
) -> float:
    """Share (0 to 1) of the voxels of the `enclosed_space`, without bone, that lie in none of a scan's `regions`.

    0 where there is no such space; arguments as of `own_regions`.
    """
    coarse = blocks or in_blocks(hu, head)
    with_bone, shown = coarse.bone_share > 0, coarse.head_share > 0
    space = enclosed_space(coarse.hu, with_bone, shown, target.brain, COARSE * spacing_mm)
    soft = head & ~coarse.bone
    free, none = (block_means(mask, COARSE)[space].sum() for mask in (soft, soft & (regions == 0)))
    return float(none / max(free, 1.0))


def _fine(mask: Mask) -> Mask:
    """A mask of blocks as a mask of voxels."""
    for axis in range(3):
        mask = np.repeat(mask, COARSE, axis=axis)
    return mask


def scored_regions(regions: NDArray[np.uint8], scores: Mapping[str, float | None]) -> NDArray[np.uint8]:
    """`regions` without those that have no score; all of them where none has one."""
    without = [REGIONS[name] for name, score in scores.items() if score is None]
    if not without or len(without) == len(REGIONS):
        return regions
    return np.where(np.isin(regions, without), 0, regions).astype(np.uint8)
