"""The same kind of lesion on both sides: two that are drawn apart, or one and its mirror image.

Two lesions that are drawn apart differ in size and place. The *mirrored* one is planted into the mirror image of the
head with the same random numbers, which is mirrored back then: it has the same size, HU and place, as far as the other
half of the head is like this one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray

from ..anatomy.braincase import SIDES, Braincase, Labels
from ..anatomy.labels import swap_table
from .growth import Lesion, Volume

Plant = Callable[[Volume, Labels, str, np.random.Generator, "NDArray[np.int64] | None"], Lesion]
"""Plants one lesion: HU, labels, side, random numbers, and the voxel to start from or None."""


def plant_apart(
    plant: Plant, hu: Volume, labels: Labels, rng: np.random.Generator, other: np.random.Generator
) -> Lesion:
    """A lesion on the left from `rng`, then one on the right from `other`."""
    first = plant(hu, labels, SIDES[0], rng, None)
    second = plant(first.hu, first.labels, SIDES[1], other, None)
    return _joined(first, second.hu, second.labels, second.mask, -second.midline_mm)


def plant_mirrored(
    plant: Plant, hu: Volume, labels: Labels, spacing_mm: float | Sequence[float], rng: np.random.Generator
) -> Lesion:
    """A lesion on the left, then its mirror image on the right."""
    again = deepcopy(rng)
    first = plant(hu, labels, SIDES[0], rng, None)
    start = _mirror_voxel(first, labels, spacing_mm)
    flipped = np.ascontiguousarray(first.hu[::-1]), np.ascontiguousarray(swap_table()[first.labels[::-1]])
    second = plant(*flipped, SIDES[0], again, start)
    found_hu, mask = np.ascontiguousarray(second.hu[::-1]), np.ascontiguousarray(second.mask[::-1])
    return _joined(first, found_hu, swap_table()[second.labels[::-1]], mask, -second.midline_mm)


def _joined(first: Lesion, hu: Volume, labels: NDArray[np.int16], mask: NDArray[np.uint8], midline_mm: float) -> Lesion:
    """The head with both; the first one's mask stays where it was when the second one pushes."""
    return Lesion(hu, labels, np.maximum(first.mask, mask), first.midline_mm + midline_mm)


def _mirror_voxel(first: Lesion, labels: Labels, spacing_mm: float | Sequence[float]) -> NDArray[np.int64]:
    """The voxel (3,) of the mirrored grid where the mirror image of a lesion has its middle."""
    case = Braincase(labels, np.broadcast_to(np.asarray(spacing_mm, float), (3,)).copy())
    middle_mm = np.argwhere(first.mask == 1).mean(axis=0) * case.spacing_mm - case.centre_mm
    voxel = np.rint((case.mirrored(middle_mm) + case.centre_mm) / case.spacing_mm).astype(np.int64)
    voxel[0] = labels.shape[0] - 1 - voxel[0]
    return voxel
