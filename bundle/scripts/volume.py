"""A head CT as it was read, and the conditions that every one must satisfy.

*Native space* is the grid of the scan: voxel (i, j, k) is column i and row j of slice k, and the *affine* maps it to
RAS millimetres. Under gantry tilt it is sheared: its third column is the step from slice to slice, not the normal.
*Padding* is what a scanner writes outside its field of view; nothing is known there. `hu` holds air in its place and
`valid` says where it was. Where one array has to say both, padding is `UNKNOWN_HU`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .findings import Finding, finding, refusal
from .words import counted

AIR_HU = -1024.0
"""Padding is replaced by this: the lowest value that every CT scanner can store."""

UNKNOWN_HU = -2000.0
"""Marks padding in an array that has no mask beside it."""

KNOWN_FROM_HU = -1500.0
"""Voxels of such an array that are lower were not measured."""

PADDING_BELOW_HU = -1200
"""Values below it are padding even when no tag says so: noise in air does not reach it, scanners' fill values do."""

MIN_SLICES = 15
"""Fewer slices than this can't show a head."""

MIN_COVERAGE_MM = 100.0
"""A scan that covers less than this in any direction does not show enough of a head."""

AIR_PEAK_HU = (-1075.0, -925.0)
"""Limits of the peak of air: calibrated scanners put it at -1000, those that clip put it at -1024."""

SOFT_TISSUE_HU = (-20.0, 120.0)
"""Brain, muscle, blood and water."""

SOFT_PEAK_HU = (-40.0, 110.0)
"""Limits of the peak of soft tissue: brain puts it at 20 to 40, the plastic of head phantoms at 90."""

SOFT_RANGE_HU, SOFT_BIN_HU = (-300.0, 300.0), 20.0
"""Range in which that peak is searched, and the width of the histogram's bins."""

MIN_FRACTION = 0.005
"""Least share of the voxels that must be air, and least share that must be soft tissue."""

METAL_HU = 2900
"""Denser than any bone; 12-bit scanners clip at 3071."""

METAL_MM3 = 100.0
"""Volume of such voxels from which on metal is reported: a crown, a clip, a coil."""

MOST_METAL_MM3 = 100e3
"""No head holds more metal: a plate 1 mm thick over half of the calvaria (300 cm²) has 30 ml."""


@dataclass(frozen=True)
class Volume:
    """A head CT: `hu` (I, J, K) in HU, `affine` (4, 4) to RAS mm, `valid` (I, J, K) or None when all are known.

    `widest_gap_mm` is the largest distance of slices that were interpolated to this even grid; 0 if none were.
    """

    hu: NDArray[np.int16] | NDArray[np.float32]
    affine: NDArray[np.float64]
    valid: NDArray[np.bool_] | None
    findings: tuple[Finding, ...] = ()
    widest_gap_mm: float = 0.0

    def with_unknown(self) -> NDArray[np.float32]:
        """The voxels (I, J, K) in HU, with `UNKNOWN_HU` outside the field of view."""
        values = self.hu.astype(np.float32)
        if self.valid is not None:
            for slab in slabs(values):
                values[slab][~self.valid[slab]] = UNKNOWN_HU
        return values


def slabs(volume: NDArray[Any]) -> Iterator[tuple[slice, ...]]:
    """Indices of slices of `volume` that lie together in memory: work on one after the other copies no whole volume."""
    axis = int(np.argmax(volume.strides))
    for k in range(volume.shape[axis]):
        yield (*[slice(None)] * axis, slice(k, k + 1))


def split_padding(
    hu: NDArray[np.int16] | NDArray[np.float32], padding: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_] | None:
    """Replace padding in `hu` by air, in place, and clip noise below air; return where the scan knows, or None if all.

    `padding` (same shape) marks voxels that a tag declares as padding, and becomes what is returned; values below
    `PADDING_BELOW_HU` are added.
    """
    mask = padding
    for slab in slabs(hu):
        values = hu[slab]
        outside = values < PADDING_BELOW_HU
        if padding is not None:
            outside |= padding[slab]
        values[(values < AIR_HU) | outside] = AIR_HU
        if mask is None and outside.any():
            mask = np.zeros_like(hu, dtype=bool)
        if mask is not None:
            mask[slab] = outside
    return np.logical_not(mask, out=mask) if mask is not None and mask.any() else None


def check_values(volume: Volume) -> tuple[Finding, ...]:
    """Flags that follow from the voxels' values, of every second voxel along each axis.

    Raises:
        InputRefused: `not_finite`, `zero_variance` or `implausible_hu`.
    """
    hu, valid = volume.hu, volume.valid
    check_finite(hu)
    if hu.max() == hu.min():
        raise refusal("zero_variance", f"All voxels have the value {float(hu.flat[0]):g}.")
    sample = hu[::2, ::2, ::2]
    known = sample[valid[::2, ::2, ::2]] if valid is not None else sample.ravel()
    _check_air(known)
    tissue = np.mean((known >= SOFT_TISSUE_HU[0]) & (known <= SOFT_TISSUE_HU[1])) if known.size else 0.0
    if tissue < MIN_FRACTION:
        raise refusal("implausible_hu", f"Only {100 * tissue:.2g} % of the voxels are soft tissue (-20 to 120 HU).")
    _check_soft_tissue(known)
    dense = sum(int((hu[slab] >= METAL_HU).sum()) for slab in slabs(hu))
    metal_mm3 = float(dense * abs(np.linalg.det(volume.affine[:3, :3])))
    if metal_mm3 > MOST_METAL_MM3:
        text = f"{metal_mm3 / 1000:.0f} ml are denser than {METAL_HU} HU, more than any metal in a head"
        raise refusal("implausible_hu", f"{text}: most likely padding without its tag, PixelPaddingValue.")
    if metal_mm3 >= METAL_MM3:
        return (finding("metal", f"{metal_mm3 / 1000:.2g} ml are denser than {METAL_HU} HU: metal."),)
    return ()


def check_finite(hu: NDArray[np.int16] | NDArray[np.float32]) -> None:
    """Refuse voxels that are NaN or infinite.

    Raises:
        InputRefused: `not_finite`.
    """
    if hu.dtype.kind != "f":
        return
    count = sum(int((~np.isfinite(hu[slab])).sum()) for slab in slabs(hu))
    if count:
        raise refusal("not_finite", f"{counted(count, 'voxel is', 'voxels are')} NaN or infinite.")


def _check_soft_tissue(known: NDArray[np.int16] | NDArray[np.float32]) -> None:
    """Refuse when the voxels within 300 HU of water do not peak where soft tissue belongs: a shift, or a factor."""
    counts, edges = np.histogram(known, bins=np.arange(SOFT_RANGE_HU[0], SOFT_RANGE_HU[1] + 1, SOFT_BIN_HU))
    peak = float(edges[int(counts.argmax())]) + SOFT_BIN_HU / 2
    if not SOFT_PEAK_HU[0] <= peak <= SOFT_PEAK_HU[1]:
        raise refusal("implausible_hu", f"Soft tissue peaks at {peak:.0f} HU, not near 30.")


def _check_air(known: NDArray[np.int16] | NDArray[np.float32]) -> None:
    """Refuse when the voxels below -300 HU do not peak where air belongs, or when there are hardly any."""
    low = known[known < -300]
    if low.size < MIN_FRACTION * known.size or not low.size:
        share = 100 * low.size / max(known.size, 1)
        raise refusal("implausible_hu", f"Only {share:.2g} % of the voxels are below -300 HU: there is no air.")
    counts, edges = np.histogram(low, bins=np.arange(-1200.0, -299.0, 25.0))
    peak = float(edges[int(counts.argmax())]) + 12.5
    if not AIR_PEAK_HU[0] <= peak <= AIR_PEAK_HU[1]:
        raise refusal("implausible_hu", f"Air peaks at {peak:.0f} HU, not near -1000.")
