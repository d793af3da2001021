"""A label map of a registered scan, made of its own HU and the atlas, so that the simulator's lesions can grow in it.

The simulator plants lesions into heads whose label map is known (`simulation.anatomy.labels`). A real scan has none.
Its *space inside the skull* is that of its own regions. In there, *fluid* is what is `FLUID_DROP_HU` or more below the
median of the brain after a light smoothing; it belongs to a ventricle where it hangs together with the fluid at the
ventricle of the atlas. Brain takes the structure of the atlas that is nearest. The cortex is the brain within
`CORTEX_MM` of fluid or of the skull. What is too bright for brain (`DENSE_HU` above the median: partial volume of bone,
calcium, large sinuses) counts as a sinus, where nothing bleeds. Falx and tentorium lie where they usually do.

All arrays are on a *block* of the reference grid around the head, with axes along +R, +A, +S and voxels of 1 mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.boxes import Box
from ...geometry.coordinates import REFERENCE_SIZE, REFERENCE_SPACING_MM
from ...geometry.distances import within
from ...preprocessing.regions import BONE_HU, LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL, in_hemispheres
from ...simulation.anatomy.braincase import block_around
from ...simulation.anatomy.labels import (
    BRAIN_STEM,
    CORTICAL_BONE,
    CSF,
    FALX,
    SINUS,
    SOFT_TISSUE,
    TENTORIUM,
    THIRD_VENTRICLE,
)

FLUID_DROP_HU, DENSE_HU = 12.0, 40.0
"""How far below and above the median of the brain other things begin than brain."""

SMOOTHING_MM = 1.0
"""Standard deviation of the smoothing before fluid is told from brain."""

CORTEX_MM = 3.0

VENTRICLE_MM = 6.0
"""How far beyond those of the atlas the ventricles of a scan may reach."""

FALX_MM, FALX_LOWEST_MM, FALX_HALF = 25.0, 5.0, 1.0
"""Depth of the falx below the skull, its lowest height in reference space, and half its width, mm."""

MARGIN = 4
"""Voxels of a block around the head."""

LOBES, DEEP, LATERAL, THIRD, FOURTH, CEREBELLAR, STEM = (1, 2, 3, 4), 5, 6, 7, 8, 9, 10
"""Labels of the shipped atlas."""

BRAIN_LABELS = {DEEP: (10, 49), CEREBELLAR: (8, 47), STEM: (BRAIN_STEM, BRAIN_STEM)}
"""Left and right labels of the structures of the atlas that have one label; the lobes have two."""

WHITE, CORTEX, CEREBELLAR_WHITE, LATERAL_VENTRICLES, FOURTH_VENTRICLE = (2, 41), (3, 42), (7, 46), (4, 43), 15

Mask = NDArray[np.bool_]
Labels = NDArray[np.int16]
Volume = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tissue:
    """A scan's label map.

    Attributes:
        box: the block of the reference grid that it covers.
        labels: (i, j, k), int16, as `simulation.anatomy.labels` has them.
        brain_hu: median of the brain.
    """

    box: Box
    labels: Labels
    brain_hu: float


def tissue_of(hu: Volume, head: Mask, regions: NDArray[np.uint8], atlas: NDArray[np.uint8]) -> Tissue:
    """The label map of a registered scan.

    Args:
        hu: (256, 256, 256), HU.
        head: its foreground in the field of view.
        regions: labels of its own regions.
        atlas: labels of the shipped atlas.

    Raises:
        ValueError: it shows no brain on one side.
    """
    for side, label in (("left", LEFT_HEMISPHERE), ("right", RIGHT_HEMISPHERE)):
        if not (regions == label).any():
            raise ValueError(f"the scan shows no {side} hemisphere")
    box = block_around(head, MARGIN)
    hu, head, regions, atlas = hu[box], head[box], regions[box], atlas[box]
    inside = in_hemispheres(regions)
    brain_hu = float(np.median(hu[inside & (atlas > 0)]))
    light = _smoothed(hu, inside)
    fluid = inside & (light < brain_hu - FLUID_DROP_HU)
    dense = inside & (light > brain_hu + DENSE_HU)
    right = (np.arange(box[0].start, box[0].stop) >= REFERENCE_SIZE // 2)[:, None, None].astype(int)
    labels = np.where(head, SOFT_TISSUE, 0).astype(np.int16)
    labels[head & ((hu > BONE_HU) | (regions == SKULL))] = CORTICAL_BONE
    ventricles = {number: _ventricle(fluid, atlas == number) for number in (LATERAL, THIRD, FOURTH)}
    outer = within(~inside | (fluid & ~ventricles[LATERAL]), CORTEX_MM, REFERENCE_SPACING_MM)
    _label_brain(labels, inside & ~fluid, atlas, right, outer)
    labels[fluid] = CSF
    lateral = np.broadcast_to(np.take(LATERAL_VENTRICLES, right), fluid.shape)
    labels[ventricles[LATERAL]] = lateral[ventricles[LATERAL]]
    labels[ventricles[THIRD]], labels[ventricles[FOURTH]] = THIRD_VENTRICLE, FOURTH_VENTRICLE
    labels[_falx(inside, box) & np.isin(labels, (*WHITE, *CORTEX, CSF))] = FALX
    labels[dense] = SINUS
    return Tissue(box, labels, brain_hu)


def _smoothed(hu: Volume, inside: Mask) -> Volume:
    """HU smoothed by what is inside alone, so that the skull does not brighten what lies beside it."""
    share = ndimage.gaussian_filter(inside.astype(np.float32), SMOOTHING_MM)
    total = ndimage.gaussian_filter(np.where(inside, hu, np.float32(0)), SMOOTHING_MM)
    return np.asarray(total / np.maximum(share, np.float32(0.05)), dtype=np.float32)


def _ventricle(fluid: Mask, there: Mask) -> Mask:
    """The fluid at a ventricle of the atlas, and what hangs together with it around."""
    return np.asarray(
        ndimage.binary_propagation(fluid & there, mask=fluid & within(there, VENTRICLE_MM, REFERENCE_SPACING_MM))
    )


def _label_brain(labels: Labels, brain: Mask, atlas: NDArray[np.uint8], right: NDArray[np.int_], outer: Mask) -> None:
    """Label the voxels `brain` in place by the nearest structure of the atlas; `outer` is where there is cortex."""
    named = np.isin(atlas, (*LOBES, *BRAIN_LABELS))
    nearest = ndimage.distance_transform_edt(~named, return_distances=False, return_indices=True)
    structure = atlas[tuple(nearest)]
    sides = np.broadcast_to(right, labels.shape)
    found = np.where(outer, np.take(CORTEX, sides), np.take(WHITE, sides))
    for number, pair in BRAIN_LABELS.items():
        found = np.where(structure == number, np.take(pair, sides), found)
    found = np.where((structure == CEREBELLAR) & ~outer, np.take(CEREBELLAR_WHITE, sides), found)
    lobes = np.isin(structure, LOBES)
    found[ndimage.binary_dilation(structure == CEREBELLAR) & lobes] = TENTORIUM
    labels[brain] = found[brain]


def _falx(inside: Mask, box: Box) -> Mask:
    """Voxels at the mid-plane up to `FALX_MM` below the skull, not below `FALX_LOWEST_MM`."""
    middle = (REFERENCE_SIZE - 1) / 2
    aside = np.abs(np.arange(box[0].start, box[0].stop) - middle)[:, None, None] < FALX_HALF
    high = np.arange(box[2].start, box[2].stop) - middle >= FALX_LOWEST_MM
    return np.asarray(inside & aside & high & within(~inside, FALX_MM, REFERENCE_SPACING_MM))
