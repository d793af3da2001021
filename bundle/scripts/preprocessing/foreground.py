"""The head in a CT: foreground, bone, and the mask of measured voxels.

*Foreground* is the head with everything inside it (HU > -300, filled), without table and headrest. *Bone* is foreground
above 300 HU. A voxel is *valid* where the scanner measured it; outside its field of view a volume holds padding values
below -1500 HU, which mean "unknown", not air.

The head is cut from what touches it by an erosion of 4 mm, the largest piece kept and grown back inside the threshold:
a table plate 2 mm away leaks 1 % of it into the mask, without the erosion all of it. Distances are in millimetres and
measured on voxels about 2 mm wide, so anisotropic grids give the same head.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.boxes import bounding_box
from ..volume import KNOWN_FROM_HU

TISSUE_HU = -300.0
"""Above this is head, table or cushion; below it is air."""

BONE_HU = 300.0
"""Above this is bone (or metal)."""

EROSION_MM = 4.0
"""Bridges thinner than twice this between head and table are cut."""

WORKING_MM = 2.0
"""Voxel width at which distances are measured: finer axes keep every n-th voxel only."""


def validity(volume_hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mask of the measured voxels of a volume of any shape: not padding (HU >= -1500) and finite."""
    valid: NDArray[np.bool_] = volume_hu >= KNOWN_FROM_HU
    return valid & np.isfinite(volume_hu)


def head_foreground(volume_hu: NDArray[np.float32], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Mask (I, J, K) of the head in a volume (I, J, K) in HU; all False where nothing is left after the erosion.

    Raises:
        ValueError: the volume does not have three axes, or a spacing is not positive.
    """
    if volume_hu.ndim != 3 or len(spacing_mm) != 3 or not all(s > 0 for s in spacing_mm):
        raise ValueError(f"need (I, J, K) and three spacings over 0, got {volume_hu.shape} and {list(spacing_mm)} mm.")
    tissue = volume_hu > TISSUE_HU
    if not tissue.any():
        return tissue
    box = bounding_box(tissue, margin=[2 * _step(s) for s in spacing_mm])
    mask = np.zeros_like(tissue)
    mask[box] = fill(_largest_piece(tissue[box], spacing_mm)) & validity(volume_hu[box])
    return mask


def bone(volume_hu: NDArray[np.float32], foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask of the bone: HU > 300 inside the foreground."""
    return (volume_hu > BONE_HU) & foreground


def fill(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask with the holes filled that don't reach the border of the volume."""
    pieces, count = ndimage.label(~mask)
    outside = np.zeros(count + 1, dtype=bool)
    for axis in range(mask.ndim):
        outside[np.take(pieces, 0, axis)] = True
        outside[np.take(pieces, -1, axis)] = True
    outside[0] = False
    filled: NDArray[np.bool_] = ~outside[pieces]
    return filled


def _largest_piece(tissue: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Erode, keep the largest piece and grow it back inside `tissue`."""
    step = [_step(s) for s in spacing_mm]
    coarse_mm = [n * s for n, s in zip(step, spacing_mm, strict=True)]
    coarse = tissue[tuple(slice(None, None, n) for n in step)]
    pieces, count = ndimage.label(_depth(coarse, coarse_mm) > EROSION_MM)
    if count == 0:
        return np.zeros_like(tissue)
    sizes = np.bincount(pieces.ravel())
    core = pieces == np.argmax(sizes[1:]) + 1
    grown = _depth(~core, coarse_mm) <= EROSION_MM + max(WORKING_MM, *coarse_mm) / 2
    for axis, n in enumerate(step):
        nearest = np.minimum((np.arange(tissue.shape[axis]) + n // 2) // n, coarse.shape[axis] - 1)
        grown = np.take(grown, nearest, axis)
    return grown & tissue


def _step(spacing_mm: float) -> int:
    """Every how many voxels one is kept, so that voxels are about `WORKING_MM` wide."""
    return max(1, int(WORKING_MM / spacing_mm + 0.5))


def _depth(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Distance in mm of each voxel of the mask from what is outside it; the volume's border is not outside."""
    if mask.all():
        return np.full(mask.shape, np.inf)
    depth: NDArray[np.float64] = ndimage.distance_transform_edt(mask, sampling=spacing_mm)
    return depth
