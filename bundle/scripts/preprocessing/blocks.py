"""Input of the density network: means of HU over blocks of 2 mm, shifted so that all brains have the same median.

A *block* is a cube of 2 x 2 x 2 voxels of the reference grid. Blocks begin at voxel 1, so block b covers the voxels
2b + 1 and 2b + 2 along each axis, and its centre lies at voxel 2b + 1.5. There are 127 along each side. A *place* is
every second block: place k is block 2k, at voxel 4k + 1.5. Mirroring the head turns block b into block 126 - b and
place k into place 63 - k, exactly:

    voxel        0 | 1   2 | 3   4 | 5   6 | ... | 253 254 | 255
    block          |   0   |   1   |   2   | ... |   126   |
    place          |   0   |       |   1   | ... |   63    |

Scanners disagree about the HU of the same brain by several units, which would look like another place. The *shift* is
what brings the median to that of the config, `evidence_median_hu`; the median is over the blocks of the reference's
brain with HU that brain has. Where few of the blocks have such HU (a brain full of blood, a wrong pose), or the shift
is larger than scanners and people explain (contrast agent), the median is *doubtful*.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..geometry.averages import block_means
from ..geometry.coordinates import REFERENCE_SIZE
from ..volume import AIR_HU

BLOCK, FIRST_VOXEL = 2, 1
"""Voxels a side of a block, and the voxel at which the first one begins."""

BLOCKS = (REFERENCE_SIZE - FIRST_VOXEL) // BLOCK
"""Blocks along each side."""

PLACES = (BLOCKS + 1) // 2
"""Places along each side."""

PLACE_STEP, FIRST_PLACE = 2 * BLOCK, FIRST_VOXEL + (BLOCK - 1) / 2
"""Voxels between places, and the (fractional) voxel of the first one."""

BRAIN_HU = (0.0, 60.0)
"""HU between which the median is taken: fluid, brain and fresh clots, no air, fat or bone."""

LEAST_SHARE, LARGEST_SHIFT_HU = 0.45, 18.0
"""Share of the brain's blocks with such HU, and the size of the shift, beyond which the median is doubtful."""

Floats = NDArray[np.float32]
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True)
class Shift:
    """The shift in HU, the share (0 to 1) of the reference brain's blocks that it comes from, and their median.

    Without such a block the shift is 0, and there is no median.
    """

    hu: float
    share: float
    median_hu: float | None

    @property
    def doubtful(self) -> bool:
        """True if the median can't be that of a brain."""
        return self.share < LEAST_SHARE or abs(self.hu) > LARGEST_SHIFT_HU


def block_hu(volume: NDArray[np.generic]) -> Floats:
    """Means (127, 127, 127) over the blocks of a volume (256, 256, 256), such as HU or a mask, on the reference grid.

    Raises:
        ValueError: the volume is not on the reference grid.
    """
    if volume.shape != (REFERENCE_SIZE,) * 3:
        raise ValueError(f"blocks need a volume on the reference grid, {(REFERENCE_SIZE,) * 3}, got {volume.shape}")
    return block_means(volume[FIRST_VOXEL:, FIRST_VOXEL:, FIRST_VOXEL:], BLOCK)


def block_grid() -> NDArray[np.float64]:
    """The matrix (4, 4) from indices of blocks to voxels of the reference grid."""
    matrix = np.diag([float(BLOCK)] * 3 + [1.0])
    matrix[:3, 3] = FIRST_PLACE
    return matrix


def at_places(values: NDArray[Kind]) -> NDArray[Kind]:
    """Values (..., 64, 64, 64) next to the places, of labels or a mask (..., 256, 256, 256) on the reference grid."""
    line = slice(FIRST_VOXEL + BLOCK - 1, None, PLACE_STEP)
    return values[..., line, line, line]


def median_shift(blocks: Floats, brain: NDArray[np.bool_], median_hu: float) -> Shift:
    """The shift of blocks (I, J, K) in HU that brings the median of those in the reference's `brain` (same shape) to
    `median_hu`.

    Without a block with HU of a brain the shift is 0, and the found median None.

    Raises:
        ValueError: the shapes differ, or the mask is empty.
    """
    if blocks.shape != brain.shape or not brain.any():
        raise ValueError(
            f"the shift needs blocks inside a mask of the same shape, got {blocks.shape} and "
            f"{int(brain.sum())} blocks of {brain.shape}"
        )
    inside = blocks[brain & (blocks > AIR_HU)]
    usable = inside[(inside > BRAIN_HU[0]) & (inside < BRAIN_HU[1])]
    if not usable.size:
        return Shift(0.0, 0.0, None)
    found = float(np.median(usable))
    return Shift(median_hu - found, usable.size / inside.size, found)


def shifted(blocks: Floats, shift: Shift) -> NDArray[np.int16]:
    """Blocks in whole HU after the shift: int16, above `AIR_HU` in the head, `AIR_HU` in the background."""
    moved = np.rint(np.maximum(blocks + np.float32(shift.hu), AIR_HU + 1))
    return np.where(blocks > AIR_HU, moved, AIR_HU).astype(np.int16)
