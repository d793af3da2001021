"""Texture: variation within a tissue. Blotches in the brain, lobules of fat in soft tissue, trabeculae in bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.labels import BONE, BRAIN, SOFT_TISSUE, member_table

Volume = NDArray[np.float32]
Labels = NDArray[np.int16]

FAT_HU = -95.0
"""Fat between the muscles of scalp, face and neck."""

TEXTURE_STEP = 4
"""Voxels between the lattice points of the soft texture, which is interpolated linearly."""

BRAIN_TEXTURE_HU = (0.8, 2.0)
"""Range of the deviation of the brain's blotches."""

THIN_BULK, LEAN_SLOPE = 0.55, 2.5
"""Soft tissue with less of its kind around it is mostly fat, as in the scalp, with more mostly muscle."""

TRABECULAE_HU = (60.0, 160.0)
"""Range of the deviation of bone from voxel to voxel."""

BONE_PATCHES = 0.16
"""Deviation of the density of bone from place to place, relative to its value."""

LOWEST_BONE_HU = 100.0


def smooth_noise(shape: tuple[int, ...], rng: np.random.Generator, step: int = TEXTURE_STEP) -> Volume:
    """Noise (I, J, K) of about unit variance whose grain is some `step` voxels wide."""
    import torch

    coarse = [size // step + 2 for size in shape]
    noise = ndimage.gaussian_filter(rng.standard_normal(coarse, dtype=np.float32), 0.8)
    noise /= noise.std()
    fine = [(size - 1) * step + 1 for size in coarse]
    grown = torch.nn.functional.interpolate(
        torch.from_numpy(noise)[None, None], size=fine, mode="trilinear", align_corners=True
    )
    return np.asarray(grown[0, 0].numpy()[tuple(slice(size) for size in shape)])


def add_texture(hu: Volume, labels: Labels, bone_density: float, rng: np.random.Generator) -> None:
    """Add the texture of brain, soft tissue and bone to the HU (I, J, K) of a label map of 1 mm voxels, in place."""
    grain = smooth_noise(labels.shape, rng)
    hu += rng.uniform(*BRAIN_TEXTURE_HU) * grain * member_table(BRAIN)[labels]
    _add_fat(hu, labels, grain, rng)
    _add_bone(hu, labels, grain, bone_density, rng)


def _add_fat(hu: Volume, labels: Labels, grain: Volume, rng: np.random.Generator) -> None:
    """Lobules of fat in the soft tissue outside the skull."""
    soft = np.nonzero(labels == SOFT_TISSUE)
    bulk = _bulk(labels)[tuple(axis // TEXTURE_STEP for axis in soft)]
    bias = rng.uniform(-0.3, 0.6) + LEAN_SLOPE * (bulk - THIN_BULK)
    lean = np.clip(3 * (grain[soft] + bias) + 0.5, 0, 1)
    hu[soft] = FAT_HU + (hu[soft] - FAT_HU) * lean


def _bulk(labels: Labels) -> Volume:
    """Share of soft tissue around every 4th voxel along each axis: about .3 in the scalp, near 1 in the neck."""
    step = (slice(None, None, TEXTURE_STEP),) * 3
    return np.asarray(ndimage.gaussian_filter((labels[step] == SOFT_TISSUE).astype(np.float32), 2.0))


def _add_bone(hu: Volume, labels: Labels, grain: Volume, density: float, rng: np.random.Generator) -> None:
    """Trabeculae and denser places: in cancellous bone the trabeculae weigh more, relative to its value."""
    bone = np.flatnonzero(member_table(BONE)[labels])
    noise = rng.standard_normal(bone.size, dtype=np.float32)
    noise *= rng.uniform(*TRABECULAE_HU)
    noise += hu.ravel()[bone] * (density * (1 + BONE_PATCHES * grain.ravel()[bone]))
    hu.ravel()[bone] = np.maximum(noise, LOWEST_BONE_HU)
