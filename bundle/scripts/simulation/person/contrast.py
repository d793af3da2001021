"""Blood vessels in the fluid around the brain, and the effect of intravenous contrast medium on every tissue.

The label maps know the sinuses and a few large vessels. The others run in the cisterns and sulci as *filaments*: where
two independent smooth noises n1 and n2 both are near zero, n1^2 + n2^2 < t^2, which is a tube along a random curve.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anatomy import labels as names
from ..anatomy.labels import CSF, SOFT_TISSUE
from .texture import smooth_noise

Volume = NDArray[np.float32]
Labels = NDArray[np.int16]

BLOOD = (30, 62, 502, 530, names.SINUS)
"""Labels that are full of blood."""

UPTAKE: tuple[tuple[tuple[int, ...], float, float], ...] = (
    ((names.FALX, names.TENTORIUM), 0.1, 0.5),
    ((3, 42, 8, 47), 0.03, 0.09),
    ((10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 26, 58, 28, 60), 0.02, 0.07),
    ((2, 41, 7, 46, 16), 0.01, 0.03),
    ((names.MUCOSA,), 0.1, 0.4),
    ((SOFT_TISSUE,), 0.05, 0.12),
)
"""(labels, least and largest uptake): HU gained, as a share of what the blood has gained."""

FILAMENT_STEP, FILAMENT_WIDTH = 6, 0.22
"""Voxels between the lattice points of the noises, and t: tubes of about 2 mm."""

VESSEL_HU = 45.0
"""Blood in a vessel without contrast medium."""


def enhance(table: Volume, blood_hu: float, rng: np.random.Generator) -> None:
    """Raise the HU of a look-up table (1024,) over labels to those after contrast medium, in place."""
    gained = blood_hu - VESSEL_HU
    for members, least, largest in UPTAKE:
        table[list(members)] += gained * rng.uniform(least, largest)
    for label in BLOOD:
        table[label] = blood_hu * rng.uniform(0.9, 1.1)


def add_vessels(hu: Volume, labels: Labels, blood_hu: float, rng: np.random.Generator) -> None:
    """Draw filaments of blood into the fluid around the brain (I, J, K), 1 mm voxels, in place."""
    fluid = np.flatnonzero(labels == CSF)
    distance = np.zeros(len(fluid), dtype=np.float32)
    for _ in range(2):
        distance += smooth_noise(labels.shape, rng, FILAMENT_STEP).ravel()[fluid] ** 2
    hu.ravel()[fluid[distance < FILAMENT_WIDTH**2]] = blood_hu
