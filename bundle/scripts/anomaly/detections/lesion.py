"""The lesion in a place of the anomaly map: what is darker or brighter there than around it and on the other side.

The scan is looked at on the reference grid, in a box around the place. *Soft* voxels are those of the brain's regions
that are no bone. HU are means over a few millimetres, of soft voxels only. The lesion's *contrast* is the median
difference, in the core of the place, from the mirrored voxel, or from the surroundings where the mirrored voxel is
unusual, too. A lesion reaches as far as the HU are nearer to its own median than to that of its surroundings; since
that median depends on how far it reaches, both are found in turns. It has to touch the core, and does not leave the
place by more than `REACH_MM`: there, the anomaly map would have seen it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.affines import transform_points
from ...geometry.coordinates import REFERENCE_SIZE, grid_affine
from ...preprocessing.regions import in_hemispheres
from ...volume import AIR_HU
from .places import Place

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

DARKER, BRIGHTER = "darker", "brighter"

REACH_MM = 12
"""A lesion's distance from the place above the threshold, at most."""

RING_MM = 12
"""Surroundings: soft voxels up to this far beyond the reach."""

SMOOTHING_MM, MIRROR_SMOOTHING_MM = 1.2, 3.0
"""Standard deviations of the means, of the scan and of the mirrored scan, whose anatomy fits to some mm only."""

CORE_SHARE = 0.5
"""Core of a place: where the map is nearer to the peak than this share of the way from its lowest value."""

LEAST_CONTRAST_HU = 4.0
"""With less contrast nothing tells the lesion from its surroundings; the place itself stands for it."""

MOST_HU = 110.0
"""Soft voxels are below this: fresh blood has at most 90 HU."""

MIXED_HU = 500.0
"""Voxels of blood beside the inner table are below this, if bone has no more than half of them."""

TURNS = 4
"""Turns in which the lesion's median and its border are found."""


@dataclass(frozen=True, eq=False)
class Lesion:
    """The lesion in a place.

    Attributes:
        start: (3,), first voxel of the box on the reference grid.
        mask: (i, j, k), the lesion's voxels in the box.
        density: `DARKER`, `BRIGHTER`, or None where neither is told; the mask is that of the place then.
        hu, mirror_hu: mean HU of the lesion, and of the mirrored soft voxels; None where there are none.
    """

    start: NDArray[np.intp]
    mask: Mask
    density: str | None
    hu: float | None
    mirror_hu: float | None

    @property
    def voxels(self) -> NDArray[np.intp]:
        """The lesion's voxels (m, 3) of the reference grid."""
        return np.argwhere(self.mask) + self.start


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan in HU (I, J, K) with its affine (4, 4), the matrix (4, 4) to reference mm, and its regions (256, 256, 256)
    on the reference grid."""

    hu: NDArray[np.int16]
    affine: NDArray[np.float64]
    matrix: NDArray[np.float64]
    regions: NDArray[np.uint8]

    def box(self, start: NDArray[np.intp], shape: tuple[int, ...]) -> tuple[Floats, Mask]:
        """HU, by linear interpolation, and the soft voxels in a box of the reference grid."""
        to_voxel = np.linalg.inv(self.affine) @ np.linalg.inv(self.matrix) @ grid_affine()
        corners = transform_points(to_voxel, start + np.array(list(np.ndindex(2, 2, 2))) * (np.array(shape) - 1))
        low = np.clip(np.floor(corners.min(axis=0)).astype(int) - 1, 0, np.array(self.hu.shape) - 1)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 2, 1, self.hu.shape)
        part = self.hu[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
        offset = transform_points(to_voxel, start[None])[0] - low
        hu = ndimage.affine_transform(part, to_voxel[:3, :3], offset, shape, order=1, cval=AIR_HU)
        labels = self.regions[tuple(slice(a, a + n) for a, n in zip(start, shape, strict=True))]
        return hu, in_hemispheres(labels) & (hu < MOST_HU)


def find_lesion(place: Place, scan: Scan) -> Lesion:
    """The lesion in a place of a scan."""
    margin = REACH_MM + RING_MM
    start = np.maximum(place.voxels.min(axis=0) - margin, 0)
    shape = tuple(np.minimum(place.voxels.max(axis=0) + margin + place.spacing, REFERENCE_SIZE) - start)
    whole, core = place_masks(place, start, shape)
    hu, soft = scan.box(start, shape)
    flipped_hu, flipped_soft = scan.box(mirrored_start(start, shape), shape)
    mirrored, soft_mirrored = flipped_hu[::-1], flipped_soft[::-1]
    values = masked_mean(hu, soft, SMOOTHING_MM)
    across = masked_mean(mirrored, soft_mirrored, MIRROR_SMOOTHING_MM)
    near = ndimage.distance_transform_edt(~whole)
    around = soft & (near > REACH_MM) & (near <= margin)
    level = float(np.median(values[around])) if around.any() else None
    usual = np.where(unusual_across(place, start, shape), np.float32(np.nan if level is None else level), across)
    core = core & soft
    contrast = float(np.median(np.nan_to_num((values - usual)[core]))) if core.any() else 0.0
    density = None if level is None or abs(contrast) < LEAST_CONTRAST_HU else BRIGHTER if contrast > 0 else DARKER
    mask = whole & soft if (whole & soft).any() else whole
    if density is not None and level is not None:
        inside = soft & (near <= REACH_MM)
        grown = grow(values, usual, inside, core, level, 1.0 if density == BRIGHTER else -1.0)
        mask, density = (with_mixed(grown, hu, density), density) if grown.any() else (mask, None)
    own = mask & soft if density else mask
    return Lesion(start, mask, density, _mean(hu, own), _mean(mirrored, mask & soft_mirrored))


def place_masks(place: Place, start: NDArray[np.intp], shape: tuple[int, ...]) -> tuple[Mask, Mask]:
    """A place, and its core, as masks in a box of the reference grid; each voxel of the map stands for its cube."""
    values = np.zeros(shape, np.float32)
    for shift in np.ndindex(*(place.spacing,) * 3):
        at = place.voxels - start + np.array(shift) - (place.spacing - 1) // 2
        inside = ((at >= 0) & (at < shape)).all(axis=1)
        values[tuple(at[inside].T)] = place.values[inside]
    lowest = float(place.values.min())
    return values > 0, values >= max(lowest + CORE_SHARE * (place.peak - lowest), 1e-6)


def mirrored_start(start: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """First voxel (3,) of the box that a box of the reference grid is mirrored to."""
    return np.array([REFERENCE_SIZE - shape[0] - start[0], start[1], start[2]], dtype=np.intp)


def unusual_across(place: Place, start: NDArray[np.intp], shape: tuple[int, ...]) -> Mask:
    """Mask in a box: voxels whose mirrored voxel is in the place, or within its reach."""
    mask = place_masks(place, mirrored_start(start, shape), shape)[0][::-1]
    return np.asarray(ndimage.distance_transform_edt(~mask) <= REACH_MM / 2) if mask.any() else mask


def masked_mean(hu: Floats, soft: Mask, sigma: float) -> Floats:
    """Gaussian mean of soft voxels, of the same shape; NaN where there are none near."""
    weight = ndimage.gaussian_filter(soft.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(soft, hu, np.float32(0)), sigma)
    return np.asarray(np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0.05))


def grow(values: Floats, usual: Floats, inside: Mask, core: Mask, level: float, sign: float) -> Mask:
    """The voxels `inside` that hang together with the core and are nearer to the lesion's HU than to the usual ones.

    Args:
        values: (i, j, k), HU.
        usual: the HU of the other side, or of the surroundings.
        inside: voxels that may belong to it.
        core: where it is sure to be, at least in part.
        level: median HU of the surroundings.
        sign: 1 where it is brighter than these, -1 where it is darker.
    """
    above = sign * (values - level)
    beyond = sign * np.nan_to_num(values - usual)
    mask: Mask = np.zeros_like(inside)
    known = core & np.isfinite(above)  # a voxel that bone surrounds has no mean
    if not known.any():
        return mask
    peak = float(np.median(above[known & (above >= np.median(above[known]))]))
    for _ in range(TURNS):
        if peak < LEAST_CONTRAST_HU:
            break
        candidates = inside & (above > peak / 2) & (beyond > peak / 4)
        labels, _ = ndimage.label(candidates)
        touching = np.unique(labels[core & candidates])
        mask = np.isin(labels, touching[touching > 0])
        if not mask.any():
            break
        peak = float(np.median(above[mask]))
    return np.asarray(ndimage.binary_fill_holes(mask) & inside) if mask.any() else mask


def with_mixed(mask: Mask, hu: Floats, density: str) -> Mask:
    """A brighter lesion with the voxels beside it that are a mix of blood and bone: at least half of them is blood."""
    if density != BRIGHTER:
        return mask
    beside = ndimage.binary_dilation(mask) & ~mask
    return np.asarray(mask | (beside & (hu >= MOST_HU) & (hu < MIXED_HU)))


def _mean(hu: Floats, mask: Mask) -> float | None:
    """Mean HU of a mask; None where it is empty."""
    return round(float(hu[mask].mean()), 1) if mask.any() else None
