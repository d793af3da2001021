"""The reference head: the mean of a population of drawn heads, and its regions and masks.

Each anatomy is drawn without displacement, scaled along each axis to the mean size of the population, aligned, and
averaged with the others and with its mirror image, so that the mean is exactly symmetric about the mid-plane. Where an
anatomy's map ends, the mean is over those that go on, as long as they are more than a few.

*Regions* are 1 left hemisphere, 2 right hemisphere (of the space inside the skull, above and below the tentorium,
split at the mid-plane), 3 skull: calvaria and base from the foramen magnum up, without jaw, face and neck. *Masks* are
sums of `HEAD_BIT` and `INTRACRANIAL_BIT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry.affines import transform_points
from ...geometry.coordinates import REFERENCE_SIZE
from ..anatomy.common_space import to_reference
from ..anatomy.label_map import Anatomy
from ..anatomy.labels import AIR, BONE, BRAIN, CSF, FALX, SINUS, TENTORIUM, UNCOVERED, member_table
from .head import drawn_labels
from .shape import Shape, identity_shape
from .tissue import AIR_HU, mean_hu

Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]

HEAD_BIT, INTRACRANIAL_BIT = 1, 2

FEWEST_SHARE = 0.45
"""Share of the population whose maps must reach a voxel for it to belong to the reference."""

HEAD_SHARE = 0.3
"""Head mask: voxels that belong to the head in more than this share of the population."""

BLUR_VOXELS = 0.6
"""Point spread of the simulated scanner, applied to the mean."""

CANAL_MM2 = 2000.0
"""Area within an axial plane that the space inside the skull exceeds, and the spinal canal does not."""

VEIN_RADIUS_MM = 4.0
"""Parts thinner than twice this hang off the space inside the skull: veins on their way out."""

SKULL_DEPTH_MM = 16.0
"""Distance outside the space inside the skull up to which bone still is skull and not face."""

BONE_SHARE = 0.2
"""Skull: voxels around which bone has at least this probability."""


@dataclass(frozen=True, eq=False)
class Population:
    """Means (256, 256, 256) over the population: HU, and the probabilities of head, of bone and of being inside it."""

    hu: Volume
    head: Volume
    bone: Volume
    inside: Volume

    @cached_property
    def intracranial(self) -> Mask:
        """The space inside the skull, from the foramen magnum up.

        Raises:
            ValueError: no axial plane through it is wider than the spinal canal.
        """
        inside = self.inside > 0.5
        wide = np.flatnonzero(inside.sum(axis=(0, 1)) > CANAL_MM2)
        if not wide.size:
            raise ValueError("the population has no space inside the skull; are the label maps heads in mm?")
        inside[:, :, : wide[0]] = False
        box = _around(inside, 2)
        depth = ndimage.distance_transform_edt(inside[box])
        cores, _ = ndimage.label(depth > VEIN_RADIUS_MM)
        core = cores == np.bincount(cores[cores > 0]).argmax()
        inside[box] &= ndimage.distance_transform_edt(~core) <= VEIN_RADIUS_MM + 1
        return inside


def mean_population(anatomies: Sequence[Anatomy]) -> Population:
    """The symmetric mean of the anatomies.

    Raises:
        ValueError: there are none, or one lacks the brain structures.
    """
    if not anatomies:
        raise ValueError("a population needs one anatomy at least, got none")
    spread = np.array([brain_spread(anatomy) for anatomy in anatomies])
    sums = np.zeros((4,) + (REFERENCE_SIZE,) * 3, dtype=np.float32)
    count = np.zeros((REFERENCE_SIZE,) * 3, dtype=np.float32)
    for anatomy, own in zip(anatomies, spread, strict=True):
        labels = on_grid(anatomy, spread.mean(axis=0) / own)
        known = labels != UNCOVERED
        count += known
        for total, values in zip(sums, _channels(labels), strict=True):
            total += np.where(known, values, 0)
    count += count[::-1].copy()
    air = np.array([AIR_HU, 0, 0, 0], dtype=np.float32)
    means = [_mean(total, count, value) for total, value in zip(sums, air, strict=True)]
    return Population(*means)


def reference_hu(population: Population) -> NDArray[np.int16]:
    """HU of the reference head, int16 (256, 256, 256): whole HU in soft tissue, coarser steps elsewhere."""
    blurred = ndimage.gaussian_filter(population.hu, BLUR_VOXELS)
    blurred = (blurred + blurred[::-1]) / 2
    steps = np.where((blurred > -50) & (blurred < 120), 1, 16)
    values = np.rint(blurred / steps) * steps
    return np.where(population.head < 0.02, AIR_HU, np.maximum(values, AIR_HU)).astype(np.int16)


def reference_regions(population: Population) -> NDArray[np.uint8]:
    """Regions (256, 256, 256), uint8: 1 left hemisphere, 2 right hemisphere, 3 skull, 0 elsewhere."""
    inside = population.intracranial
    lowest = int(np.flatnonzero(inside.any(axis=(0, 1)))[0])
    box = _around(inside, int(SKULL_DEPTH_MM) + 2)
    near = ndimage.distance_transform_edt(~inside[box]) <= SKULL_DEPTH_MM
    bone = ndimage.gaussian_filter(population.bone, 1.5)
    bone = bone + bone[::-1]
    regions = np.zeros(inside.shape, dtype=np.uint8)
    regions[box][near & ~inside[box] & (bone[box] >= 2 * BONE_SHARE)] = 3
    regions[:, :, :lowest] = 0
    half = REFERENCE_SIZE // 2
    regions[:half][inside[:half]] = 1
    regions[half:][inside[half:]] = 2
    return regions


def reference_masks(population: Population) -> NDArray[np.uint8]:
    """Masks (256, 256, 256), uint8: `HEAD_BIT` in the head, `INTRACRANIAL_BIT` inside the skull, summed."""
    head = ndimage.binary_fill_holes(population.head > HEAD_SHARE)
    head &= head[::-1]
    return np.asarray(HEAD_BIT * head + INTRACRANIAL_BIT * population.intracranial, dtype=np.uint8)


def _around(mask: Mask, margin: int) -> tuple[slice, ...]:
    """The box around a mask, `margin` voxels wider on each side where the grid allows."""
    found = ndimage.find_objects(mask.astype(np.int8))[0]
    return tuple(slice(max(s.start - margin, 0), s.stop + margin) for s in found)


def brain_spread(anatomy: Anatomy) -> NDArray[np.float64]:
    """Standard deviation (3,), mm, of the brain's voxels along the axes of reference space."""
    voxels = np.argwhere(member_table(BRAIN)[anatomy.labels[::2, ::2, ::2]]) * 2.0
    points = transform_points(to_reference(anatomy.centroids) @ anatomy.affine, voxels)
    return np.asarray(points.std(axis=0))


def on_grid(anatomy: Anatomy, scale: NDArray[np.float64]) -> NDArray[np.int16]:
    """Labels on the whole reference grid of the anatomy, scaled; what is below its map is `UNCOVERED`."""
    labels, start = drawn_labels(anatomy, Shape(scale, identity_shape().displacement, False))
    index = [np.clip(np.arange(REFERENCE_SIZE) - s, 0, n - 1) for s, n in zip(start, labels.shape, strict=True)]
    return labels[np.ix_(*index)]


def _channels(labels: NDArray[np.int16]) -> tuple[Volume, Mask, Mask, Mask]:
    """HU, head, bone and inside of the skull of one head."""
    inside = member_table((*BRAIN, CSF, FALX, TENTORIUM, SINUS))[labels]
    return mean_hu(labels), labels > AIR, member_table(BONE)[labels], inside


def _mean(total: Volume, count: Volume, missing: float) -> Volume:
    """Sum and mirrored sum over the number of heads that cover a voxel; `missing` where few do."""
    both = total + total[::-1]
    enough = count > FEWEST_SHARE * count.max()
    return np.asarray(np.divide(both, count, out=np.full_like(both, missing), where=enough))
