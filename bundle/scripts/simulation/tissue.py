"""From labels to Hounsfield units (HU): a value for each tissue, with variation from scan to scan and texture within.

Values follow what is seen on unenhanced head CT. What a detector of bleeds must learn to pass over is drawn too: bright
sinuses, falx and tentorium (50-70 HU), calcified choroid plexus and pineal gland.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from . import labels as names
from .labels import BONE, BRAIN, CSF, SOFT_TISSUE, TABLE_SIZE, UNCOVERED, VENTRICLES, member_table

Volume = NDArray[np.float32]
Labels = NDArray[np.int16]

AIR_HU = -1000.0

TISSUES: tuple[tuple[tuple[int, ...], float, float], ...] = (
    ((UNCOVERED, names.AIR), AIR_HU, 0.0),
    ((CSF,), 9.0, 3.0),
    (VENTRICLES, 6.0, 2.5),
    ((2, 41, 85, names.OPTIC_NERVE), 29.0, 1.5),
    ((3, 42), 38.0, 1.5),
    ((10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 26, 58, 28, 60), 36.0, 1.5),
    ((136, 163, 137, 164), 34.0, 1.5),
    ((7, 46), 30.0, 1.5),
    ((8, 47), 38.0, 1.5),
    ((16, names.CORD), 31.0, 1.5),
    ((25, 57), 24.0, 2.0),
    ((30, 62, 502, 530), 45.0, 5.0),
    ((names.EYEBALL,), 10.0, 3.0),
    ((SOFT_TISSUE,), 50.0, 5.0),
    ((names.SKIN,), -10.0, 20.0),
    ((names.MUCOSA,), 30.0, 8.0),
    ((names.SINUS,), 58.0, 7.0),
    ((names.FALX, names.TENTORIUM), 56.0, 7.0),
    ((names.ORBITAL_FAT,), -85.0, 10.0),
    ((names.CORTICAL_BONE,), 1380.0, 140.0),
    ((names.CANCELLOUS_BONE,), 520.0, 120.0),
)
"""(labels, mean HU, standard deviation from scan to scan); one deviate is drawn for each row."""

FAT_HU = -95.0
"""Fat between the muscles of scalp, face and neck."""

MEAN_SOFT_HU = 10.0
"""Mean of muscle and the fat between."""

TEXTURE_STEP = 4
"""Voxels between the lattice points of the soft texture, which is interpolated linearly."""

THIN_BULK, LEAN_SLOPE = 0.55, 2.5
"""Soft tissue with less of its kind around it is mostly fat, as in the scalp, with more mostly muscle."""

CALCIFIED_SHARE = 0.5
"""Share of adult heads in which the choroid plexus is visibly calcified; the pineal gland likewise."""


def tissue_table(rng: np.random.Generator) -> NDArray[np.float32]:
    """Look-up table (1024,) of HU for one scan; labels that are not known get those of soft tissue."""
    table = np.full(TABLE_SIZE, 40.0, dtype=np.float32)
    for members, mean, deviation in TISSUES:
        table[list(members)] = mean + deviation * np.clip(rng.standard_normal(), -2, 2)
    return table


def mean_hu(labels: Labels) -> Volume:
    """HU (I, J, K) of a label map without variation or texture."""
    table = np.full(TABLE_SIZE, 40.0, dtype=np.float32)
    for members, mean, _ in TISSUES:
        table[list(members)] = mean
    table[SOFT_TISSUE] = MEAN_SOFT_HU
    return np.asarray(table[labels])


def to_hu(labels: Labels, rng: np.random.Generator) -> Volume:
    """HU (I, J, K) of a label map of 1 mm voxels, with texture and calcifications."""
    hu = tissue_table(rng)[labels]
    _add_soft_texture(hu, labels, rng)
    _add_bone_texture(hu, labels, rng)
    for members, radius_mm in (((4, 43), 3.0), ((14,), 2.0)):
        if rng.random() < CALCIFIED_SHARE:
            _add_calcification(hu, labels, members, radius_mm, rng)
    return hu


def smooth_noise(shape: tuple[int, ...], rng: np.random.Generator, step: int = TEXTURE_STEP) -> Volume:
    """Noise (I, J, K) of about unit variance whose grain is some `step` voxels wide."""
    coarse = [size // step + 2 for size in shape]
    noise = ndimage.gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), 0.8)
    noise /= noise.std()
    fine = [(size - 1) * step + 1 for size in coarse]
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(noise)[None, None], size=fine, mode="trilinear", align_corners=True
    )
    return np.asarray(grown[0, 0].numpy()[tuple(slice(size) for size in shape)])


def _add_soft_texture(hu: Volume, labels: Labels, rng: np.random.Generator) -> None:
    """Blotches of 1-2 HU in the brain, and lobules of fat in the soft tissue outside the skull."""
    grain = smooth_noise(labels.shape, rng)
    hu += rng.uniform(0.8, 2.0) * grain * member_table(BRAIN)[labels]
    soft = np.nonzero(labels == SOFT_TISSUE)
    bias = rng.uniform(-0.3, 0.6) + LEAN_SLOPE * (
        _bulk(labels)[tuple(axis // TEXTURE_STEP for axis in soft)] - THIN_BULK
    )
    lean = np.clip(3 * (grain[soft] + bias) + 0.5, 0, 1)
    hu[soft] = FAT_HU + (hu[soft] - FAT_HU) * lean


def _bulk(labels: Labels) -> Volume:
    """Share of soft tissue around every 4th voxel along each axis: about .3 in the scalp, near 1 in the neck."""
    step = (slice(None, None, TEXTURE_STEP),) * 3
    return np.asarray(ndimage.gaussian_filter((labels[step] == SOFT_TISSUE).astype(np.float32), 2.0))


def _add_bone_texture(hu: Volume, labels: Labels, rng: np.random.Generator) -> None:
    """Trabeculae: white noise in bone, stronger in cancellous bone relative to its value."""
    bone = np.flatnonzero(member_table(BONE)[labels])
    noise = rng.standard_normal(bone.size, dtype=np.float32)
    hu.ravel()[bone] = np.maximum(hu.ravel()[bone] + rng.uniform(60, 160) * noise, 100)


def _add_calcification(
    hu: Volume, labels: Labels, members: tuple[int, ...], radius_mm: float, rng: np.random.Generator
) -> None:
    """A grain of calcium at the back of each of the ventricles `members`, where choroid plexus and pineal gland lie."""
    for label in members:
        where = np.argwhere(labels == label)
        if not len(where):
            continue
        back = where[where[:, 1] <= np.quantile(where[:, 1], 0.3)]
        centre = back[rng.integers(len(back))]
        radius = radius_mm * rng.uniform(0.5, 1.2)
        box = tuple(slice(max(int(c - radius - 2), 0), int(c + radius + 3)) for c in centre)
        grid = np.stack(
            np.meshgrid(
                *(np.arange(s.start, s.start + n) for s, n in zip(box, hu[box].shape, strict=True)), indexing="ij"
            )
        )
        distance = np.sqrt(((grid - centre[:, None, None, None]) ** 2).sum(axis=0))
        share = np.clip(radius + 0.5 - distance, 0, 1) * rng.uniform(0.5, 1.0, distance.shape)
        calcium = rng.uniform(80, 350)
        inside = ~member_table(BONE)[labels[box]]
        hu[box] += np.where(inside, share * np.maximum(calcium - hu[box], 0), 0).astype(np.float32)
