"""Motion: a patient who moves while some of the slices are made.

In a *run* of neighbouring slices the head lies elsewhere: turned and shifted within the slice, in part the same for the
run and in part different from slice to slice. A *ghost* is a second image, displaced by as much, mixed into a slice
during whose turn of the tube the head moved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Volume = NDArray[np.float32]

RUN_MM = (15.0, 60.0)
"""Range of the height of the run."""

JITTER = 0.5
"""Displacement that differs from slice to slice, relative to the run's."""

DEGREES_A_MM = 0.7
"""Largest rotation for each mm of the largest shift: at 80 mm from the middle, 0.7 degrees move by 1 mm."""


def move(
    hu: Volume,
    heights_mm: NDArray[np.float64],
    spacing_mm: float,
    motion_mm: float,
    ghost: float,
    rng: np.random.Generator,
) -> None:
    """Move the slices of a run, in place.

    Args:
        hu: slices (I, J, K).
        heights_mm: where the slices lie along the table (K,).
        spacing_mm: size of a pixel.
        motion_mm: largest shift, along each axis of the slice.
        ghost: weight of the second image, 0 for none.
        rng: where the random choices come from.
    """
    length = rng.uniform(*RUN_MM)
    first = rng.uniform(heights_mm[0], max(heights_mm[-1] - length, heights_mm[0]))
    common = rng.uniform(-1, 1, 3)
    common /= np.abs(common).max()
    for k, own in enumerate(rng.uniform(-1, 1, (len(heights_mm), 3))):
        if first <= heights_mm[k] <= first + length:
            i, j, turn = motion_mm * ((1 - JITTER) * common + JITTER * own)
            image = moved(hu[:, :, k], (i / spacing_mm, j / spacing_mm), DEGREES_A_MM * turn)
            hu[:, :, k] = image if not ghost else ghost * image + (1 - ghost) * hu[:, :, k]


def moved(image: Volume, shift: tuple[float, float], turn_deg: float) -> Volume:
    """An image (I, J), turned about its middle and then shifted by some pixels; linear between pixels."""
    cos, sin = np.cos(np.deg2rad(turn_deg)), np.sin(np.deg2rad(turn_deg))
    matrix = np.array([[cos, sin], [-sin, cos]])
    middle = (np.array(image.shape) - 1) / 2
    offset = middle - matrix @ (middle + shift)
    return np.asarray(ndimage.affine_transform(image, matrix, offset, order=1, mode="nearest"))
