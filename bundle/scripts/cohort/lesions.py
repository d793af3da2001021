"""The lesions of a case: voxels of heatmap and mask, the lesions by number, and the peaks of the map.

A *mask* is a NIfTI volume of lesions in the scan's world: 1 a lesion, 2 swelling, which counts neither as lesion nor as
healthy, 0 all else. A *lesion* is what hangs together in it. Brain and skull are measured apart, since their heat has
different units: a *field* is one of them. A lesion belongs to the field that holds most of it, the brain on a tie; what
lies in neither, or mostly in regions without a score, is left out. A peak finds a lesion from which it is at most
`NEAR_MM` away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from ..geometry.affines import transform_points
from ..preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL
from ..results.checks import SAME_PLACE_MM, read_map
from ..results.record import HEATMAP
from ..results.record import REGIONS as REGIONS_FILE
from .metrics import Peaks, peaks
from .voxels import levels_of

FIELDS = {"brain": (LEFT_HEMISPHERE, RIGHT_HEMISPHERE), "skull": (SKULL,)}
"""Labels of the regions of each field."""

LESION, SWELLING = 1, 2
"""Values of a mask."""

NEAR_MM, BOX_MM = 5.0, 20.0
"""Distance at which a peak still finds a lesion, and the side of the box in which a peak is the highest voxel."""

LEAST_PEAK = 0.5
"""Peaks from this multiple of the threshold in use on are looked at."""

Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class CaseMaps:
    """Heatmap, labels of the regions, and numbers of the lesions, -1 in swelling, (I, J, K) with affine to RAS mm."""

    heatmap: NDArray[np.float32]
    regions: NDArray[np.uint8]
    lesions: Labels
    affine: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CaseField:
    """A case in a field.

    Attributes:
        levels: (n,) of the heatmap at its voxels, see `voxels`.
        lesion: (n,) number of each voxel's lesion, from 1, 0 of none.
        volumes_ml: (lesions,) volumes.
        peaks: (k,) values of the peaks; None without a threshold to go by.
        of_lesion: (k,) number of the lesion that each finds, 0 of none.
        threshold: the threshold in use.
    """

    levels: NDArray[np.int64]
    lesion: Labels
    volumes_ml: NDArray[np.float64]
    peaks: NDArray[np.float64] | None
    of_lesion: NDArray[np.int64]
    threshold: float | None


def case_maps(folder: Path, mask: Path | None) -> CaseMaps:
    """The maps of a case's folder with the lesions of a mask, none without one.

    Raises:
        OSError, ValueError: a file is missing, or no volume; a mask has other values than those of a mask, or a lesion
            that is not in the scan.
    """
    heatmap, affine = read_map(folder / HEATMAP)
    regions, _ = read_map(folder / REGIONS_FILE)
    heatmap, regions = np.asarray(heatmap, dtype=np.float32), np.asarray(regions, dtype=np.uint8)
    if mask is None:
        return CaseMaps(heatmap, regions, np.zeros(heatmap.shape, np.int32), affine)
    values, own = read_map(mask)
    try:
        drawn = checked_mask(values)
        check_inside(drawn == LESION, own, heatmap.shape, affine)
    except ValueError as error:
        raise ValueError(f"{mask.name}: {error}") from error
    return CaseMaps(heatmap, regions, numbered(moved(drawn, own, heatmap.shape, affine)), affine)


def checked_mask(values: NDArray[Any]) -> NDArray[np.uint8]:
    """The values of a mask (I, J, K), seen to be those of a mask.

    Raises:
        ValueError: they are not, or it is no 3-D volume.
    """
    if values.ndim != 3:
        raise ValueError(f"a mask needs 3 dimensions, got {values.ndim}")
    wrong = ~np.isin(values, (0, LESION, SWELLING))
    if wrong.any():
        raise ValueError(f"a mask holds 0, {LESION} (lesion) and {SWELLING} (swelling), got {values[wrong][0]:g}")
    return np.asarray(values, dtype=np.uint8)


def check_inside(
    lesion: NDArray[np.bool_], own: NDArray[np.float64], shape: tuple[int, ...], affine: NDArray[np.float64]
) -> None:
    """See that each lesion of a mask (I, J, K), with an affine of its own, is at least in part in the scan.

    Args:
        lesion: where the mask has a lesion.
        own: its affine.
        shape: of the scan.
        affine: that of the scan.

    Raises:
        ValueError: one lies outside.
    """
    numbers = numbered(lesion.astype(np.uint8))
    _, inside = nearest_voxels(np.argwhere(lesion), own, shape, affine)
    outside = np.setdiff1d(numbers[lesion], numbers[lesion][inside])
    if len(outside):
        raise ValueError(f"{len(outside)} of {numbers.max()} lesions lie outside the scan")


def nearest_voxels(
    voxels: NDArray[np.intp], own: NDArray[np.float64], shape: tuple[int, ...], affine: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The nearest voxels (n, 3) of another grid to those (n, 3) of a grid of one's `own`, and which (n,) lie in it."""
    there = transform_points(np.linalg.inv(affine) @ own, voxels.astype(float))
    inside = ((there > -0.5) & (there < np.array(shape) - 0.5)).all(axis=1)
    return np.rint(there).astype(np.intp), np.asarray(inside)


def moved(
    mask: NDArray[np.uint8], own: NDArray[np.float64], shape: tuple[int, ...], affine: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """A mask (I, J, K) with an affine of its own on another grid, by the nearest voxel; 0 beyond it.

    Of a lesion that holds the centre of no voxel there, between two slices, say, it is the voxels nearest to its own.
    """
    if mask.shape == shape and np.allclose(own, affine, rtol=0, atol=SAME_PLACE_MM):
        return mask
    numbers, back = numbered(mask), np.linalg.inv(own) @ affine
    there = ndimage.affine_transform(numbers, back[:3, :3], back[:3, 3], output_shape=shape, order=0)
    on_grid = np.select([there > 0, there < 0], [LESION, SWELLING], 0).astype(np.uint8)
    lost = np.argwhere((numbers > 0) & ~np.isin(numbers, there))
    nearest, inside = nearest_voxels(lost, own, shape, affine)
    on_grid[tuple(nearest[inside].T)] = LESION
    return on_grid


def numbered(mask: NDArray[np.uint8]) -> Labels:
    """The number of each voxel's lesion, from 1 on; 0 outside, -1 in swelling. Neighbours touch at a corner, too."""
    found, _ = ndimage.label(mask == LESION, np.ones((3, 3, 3)))
    return np.where(mask == SWELLING, -1, found).astype(np.int32)


def case_field(
    maps: CaseMaps, labels: tuple[int, ...], threshold: float | None, scored: NDArray[np.uint8]
) -> CaseField:
    """A case in a field with region `labels`, one of `FIELDS`; of these, only those `scored` count."""
    where = np.isin(maps.regions, np.intersect1d(labels, scored))
    kept = own_lesions(maps, labels, scored)
    renamed = np.where(kept > 0, kept, -1)  # those of the other field are no healthy voxels of this one
    lesions = np.where(maps.lesions > 0, renamed[np.maximum(maps.lesions, 0)], maps.lesions)
    counted = where & (lesions >= 0)
    voxel_ml = abs(float(np.linalg.det(maps.affine[:3, :3]))) / 1000
    counts = np.bincount(lesions[lesions > 0], minlength=int(kept.max(initial=0)) + 1)[1:]
    volumes = counts.astype(np.float64) * voxel_ml
    found: Peaks = (np.zeros(0), np.zeros((0, 3), np.intp))
    if threshold is not None and where.any():
        found = peaks_in(np.where(where, maps.heatmap, 0), LEAST_PEAK * threshold, maps.affine)
    of_lesion = nearest_lesions(found[1], lesions, maps.affine)
    judged = (of_lesion > 0) | (lesions[tuple(found[1].T)] >= 0)  # a peak in swelling is neither right nor wrong
    inside = lesions[counted]
    values, of_lesion = None if threshold is None else found[0][judged], of_lesion[judged]
    return CaseField(levels_of(maps.heatmap[counted]), inside, volumes, values, of_lesion, threshold)


def own_lesions(maps: CaseMaps, labels: tuple[int, ...], scored: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The new number (lesions + 1,), from 1 on, of each lesion of the field with region `labels`; 0 of the others.

    A lesion is the field's that holds most of it in `scored` regions, the first of `FIELDS` on a tie. Most of it in
    regions without a score, or nothing of it in any region, makes it nobody's.
    """
    inside = maps.lesions > 0
    numbers, regions = maps.lesions[inside], maps.regions[inside]
    shares = [np.intersect1d(own, scored) for own in FIELDS.values()]
    shares.append(np.setdiff1d(np.concatenate([*FIELDS.values()]), scored))
    count = int(maps.lesions.max(initial=0)) + 1
    voxels = np.stack([np.bincount(numbers[np.isin(regions, own)], minlength=count) for own in shares])
    kept = (voxels.argmax(axis=0) == list(FIELDS.values()).index(labels)) & voxels.any(axis=0)
    return np.where(kept, kept.cumsum(), 0).astype(np.int64)


def peaks_in(values: NDArray[np.float32], threshold: float, affine: NDArray[np.float64]) -> Peaks:
    """The peaks of a map (I, J, K) that is 0 outside of a field."""
    above = ndimage.find_objects((values > threshold).astype(np.uint8))
    if not above:
        return np.zeros(0), np.zeros((0, 3), np.intp)
    box = above[0]
    side = np.maximum(1, np.rint(BOX_MM / np.linalg.norm(affine[:3, :3], axis=0))).astype(int)
    found, voxels = peaks(values[box], threshold, side.tolist())
    return found, voxels + np.array([part.start for part in box])


def nearest_lesions(
    voxels: NDArray[np.intp], lesions: Labels, affine: NDArray[np.float64], near_mm: float = NEAR_MM
) -> NDArray[np.int64]:
    """The number of the lesion at most `near_mm` away from each voxel (k, 3), the nearest; 0 if there is none."""
    there = np.argwhere(lesions > 0)
    if not len(there) or not len(voxels):
        return np.zeros(len(voxels), np.int64)
    tree = cKDTree(transform_points(affine, there.astype(float)))
    distances, index = tree.query(transform_points(affine, voxels.astype(float)), distance_upper_bound=near_mm + 1e-6)
    numbers = np.append(lesions[tuple(there.T)], 0)
    return np.where(np.isfinite(distances), numbers[index], 0).astype(np.int64)


def thresholds_in_use(record: Mapping[str, Any]) -> dict[str, float | None]:
    """The threshold of the heatmap in each field, from the content of a `result.json`; None where there is none."""
    contours = record.get("compared_with", {}).get("contours", {})
    brain = contours.get("left_hemisphere") or contours.get("right_hemisphere")
    return {"brain": brain, "skull": contours.get("skull")}
