"""Beam hardening: the effect of dense bone on the HU of the tissue around and between.

Three effects are drawn, on a lattice of every 4th voxel: the *rim*, brighter next to bone; *cupping*, darker in the
depth of the head; and the *band*, darker between dense bones on the left and the right. With L and R the length of bone
(mm) on the way from a point to the left and to the right, along the slice, the band is that of min(L, R): between the
petrous bones it is the dark bar over the pons (Hounsfield bar), elsewhere the walls of the skull are too thin for it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..anatomy.labels import BONE, member_table
from .sampling import sample

Volume = NDArray[np.float32]
Labels = NDArray[np.int16]

STEP = 4
"""Voxels (1 mm) between the points of the lattice."""

RIM_SIGMA, DEPTH_SIGMA = 1.8, 8.0
"""Deviation, in lattice steps, of the smoothing of bone for the rim, and of the head for cupping."""

BAND_FROM_MM, BAND_FULL_MM = 12.0, 32.0
"""min(L, R) from which on there is a band, and from which on it is as dark as it gets."""

BAND_SIGMA = (1.0, 0.6, 0.6)
"""Deviation, in lattice steps along each axis, of the smoothing of the band."""

TISSUE_FROM_HU = -200.0
"""Air and lung stay as they are."""


def add_hardening(hu: Volume, labels: Labels, rim_hu: float, cupping_hu: float, band_hu: float) -> None:
    """Add the effects to the HU (I, J, K) of a head with 1 mm voxels, axes along +R, +A, +S, in place."""
    if not (rim_hu or cupping_hu or band_hu):
        return
    coarse = labels[::STEP, ::STEP, ::STEP]
    bone = member_table(BONE)[coarse].astype(np.float32)
    depth = ndimage.gaussian_filter((coarse > 0).astype(np.float32), DEPTH_SIGMA)
    change = rim_hu * np.minimum(2 * ndimage.gaussian_filter(bone, RIM_SIGMA), 1) - cupping_hu * depth
    change -= band_hu * band(bone)
    axes = [np.arange(size, dtype=np.float64) for size in hu.shape]
    fine = sample(change, np.diag([1 / STEP] * 3 + [1.0]), (axes[0], axes[1], axes[2]))
    fine *= hu > TISSUE_FROM_HU
    hu += fine


def band(bone: Volume) -> Volume:
    """Depth of the dark band, 0 to 1, on the lattice (I, J, K); `bone` is the share of bone at its points."""
    length = bone * STEP
    left = np.cumsum(length, axis=0)
    right = left[-1:] - left + length
    dark = (np.minimum(left, right) - BAND_FROM_MM) / (BAND_FULL_MM - BAND_FROM_MM)
    return np.asarray(ndimage.gaussian_filter(np.clip(dark, 0, 1), BAND_SIGMA), dtype=np.float32)
