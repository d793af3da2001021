"""The volumes of the page: the scan in 8 bits, and the heatmap in units of its threshold, both cut to the head.

A *code* stands for a HU of `TABLE_HU`, whose steps are 1 HU in the brain and coarser where windows are wide: the page
turns codes into HU again, so that every window can be shown. Of a scan with more voxels than a browser opens quickly,
means of 2 x 2 voxels are shown, and so on; of the heatmap the highest of them. The *excess* is the heatmap over the
threshold of its region; without a threshold the heatmap is shown as it is.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...files.nifti import MAP_LEVEL, nifti_bytes
from ...geometry.affines import transform_points
from ...preprocessing.regions import REGIONS, SKULL
from ..key import round_up
from ..planes import Array, head_box_mm

RANGES_HU = ((-1024, -160, 36), (-160, -10, 5), (-10, 90, 1), (90, 190, 2), (190, 590, 20), (590, 2190, 50))
"""From which HU to which the codes have which step."""

TABLE_HU = np.concatenate([np.arange(low, high, step, dtype=np.int16) for low, high, step in RANGES_HU])
"""The HU of each code, 256 in all."""

MARGIN_MM = 6.0
"""Margin that is kept around the head."""

MOST_VOXELS = 12_000_000
"""More voxels are averaged."""

TOP = 8.0
"""The highest excess that is told from higher ones."""

LEVELS = 255


@dataclass(frozen=True, eq=False)
class Volumes:
    """The volumes of a result (I, J, K) on one grid: scan in HU, heatmap, region labels, and the affine (4, 4)."""

    scan: NDArray[np.int16]
    heatmap: NDArray[np.float32]
    regions: NDArray[np.uint8]
    affine: Array


@dataclass(frozen=True, eq=False)
class Shown:
    """Volumes as the page holds them.

    Attributes:
        scan, heat: files of NIfTI, the scan's of codes.
        scaled: True if the heat is an excess.
        top: the highest heat that the colours tell from higher ones.
        spacing_mm: of the voxels that are shown.
    """

    scan: bytes
    heat: bytes
    scaled: bool
    top: float
    spacing_mm: tuple[float, ...]


def shown(head: Volumes, scores: Mapping[str, float | None], contours: Mapping[str, float | None]) -> Shown:
    """The volumes of a page.

    Args:
        head: of the result, cut to the head.
        scores: by region; one without a score shows no heat.
        contours: by region, the threshold of its heat; without any, the heatmap is shown as it is.
    """
    factors = by_label(scores, contours)
    heat = head.heatmap * factors[head.regions]
    scaled = any(contours.values())
    top = TOP if scaled else round_up(float(heat.max(initial=0)))
    block = block_of(head.scan.shape, head.affine)
    affine = head.affine @ np.diag([*block, 1.0])
    affine[:3, 3] += affine[:3, :3] @ [(size - 1) / 2 / size for size in block]
    highest = functools.reduce(np.maximum, blocks(heat, block))
    counts = np.rint(np.clip(highest, 0, top) * np.float32(LEVELS / top)).astype(np.uint8)
    parts, size = blocks(head.scan, block), math.prod(block)
    total = np.asarray(np.sum(parts, axis=0, dtype=np.int32) if size > 1 else parts[0])
    spacing = tuple(round(float(s), 3) for s in np.linalg.norm(affine[:3, :3], axis=0))
    return Shown(
        nifti_bytes(codes((total + size // 2) // size), affine),
        nifti_bytes(counts, affine, step=top / LEVELS, level=MAP_LEVEL),
        scaled,
        top,
        spacing,
    )


def by_label(scores: Mapping[str, float | None], contours: Mapping[str, float | None]) -> NDArray[np.float32]:
    """Factors by region label (4,) that make heat an excess: over the threshold of its region, 0 without a score.

    Outside the regions, and in one without a threshold, it is that of the brain, or of the skull if there is no other.
    """
    known = {name: limit for name, limit in contours.items() if limit and name in REGIONS}
    brain = [limit for name, limit in known.items() if REGIONS[name] != SKULL]
    factors = np.full(1 + len(REGIONS), 1 / max(brain or known.values(), default=1.0), np.float32)
    for name, label in REGIONS.items():
        if scores.get(name) is None:
            factors[label] = 0
        elif name in known:
            factors[label] = 1 / known[name]
    return factors


def cut_to_head(volumes: Volumes) -> Volumes:
    """Volumes without most of what is around the head."""
    box = head_slices(volumes.scan, volumes.affine)
    affine = volumes.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ [part.start for part in box]
    return Volumes(volumes.scan[box], volumes.heatmap[box], volumes.regions[box], affine)


def head_slices(scan: NDArray[np.int16], affine: Array) -> tuple[slice, slice, slice]:
    """The voxels of a scan that hold the head, along each axis."""
    low, high = head_box_mm(scan, affine) + np.array([[-MARGIN_MM], [MARGIN_MM]])
    corners = np.indices((2, 2, 2)).reshape(3, -1).T * (high - low) + low
    voxels = transform_points(np.linalg.inv(affine), corners)
    first = np.clip(np.floor(voxels.min(axis=0)), 0, np.array(scan.shape) - 1).astype(int)
    last = np.clip(np.ceil(voxels.max(axis=0)), first, np.array(scan.shape) - 1).astype(int)
    i, j, k = (slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
    return i, j, k


def block_of(shape: tuple[int, ...], affine: Array) -> tuple[int, int, int]:
    """Voxels along each axis that are averaged, so that there are at most `MOST_VOXELS`; the smallest first."""
    block, spacing = np.ones(3, int), np.linalg.norm(affine[:3, :3], axis=0)
    while np.prod(np.array(shape) // block) > MOST_VOXELS:
        size = block * spacing
        block[size <= 1.1 * size.min()] *= 2
    return int(block[0]), int(block[1]), int(block[2])


def blocks(volume: NDArray[Any], block: tuple[int, int, int]) -> list[NDArray[Any]]:
    """The first voxel of each block, the second one of each, and so on; what is left over at the ends is cut."""
    i, j, k = (size - size % step for size, step in zip(volume.shape, block, strict=True))
    whole = volume[:i, :j, :k]
    return [whole[a :: block[0], b :: block[1], c :: block[2]] for a, b, c in np.ndindex(block)]


def codes(scan: NDArray[Any]) -> NDArray[np.uint8]:
    """The code of each voxel (I, J, K): of the nearest HU in `TABLE_HU`."""
    low, high = int(TABLE_HU[0]), int(TABLE_HU[-1])
    middles = (TABLE_HU[:-1].astype(float) + TABLE_HU[1:]) / 2
    nearest = np.searchsorted(middles, np.arange(low, high + 1)).astype(np.uint8)
    return np.asarray(nearest[np.clip(scan, low, high) - low])
