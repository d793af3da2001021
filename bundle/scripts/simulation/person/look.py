"""Look of one person's healthy head on CT: the common variants that it shows.

A *look* is drawn once for each head. It holds what is healthy, or at least no finding of an emergency, and still is
bright, dark or wide where most heads are not: intravenous contrast, calcium, dense bone, wide fluid spaces. A detector
of bleeds has to learn to pass over all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONTRAST_SHARE = 0.12
"""Share of scans after intravenous contrast medium."""

CONTRAST_HU = (100.0, 180.0)
"""HU of the blood in veins and arteries after contrast medium, drawn evenly."""

CALCIUM_SHARES = {"choroid": 0.5, "pineal": 0.5, "basal ganglia": 0.07, "falx": 0.09, "carotid": 0.2}
"""Share of adult heads in which calcium is seen in choroid plexus, pineal gland, pallidum, falx and carotid walls."""

ATROPHY_SHARE = 0.35
"""Share of heads whose fluid spaces are widened, as with age."""

WIDEST_VENTRICLES = 3
"""Voxels (1 mm) by which the ventricles' walls move outward at most; 0 to 3 are equally frequent."""

BONE_DENSITY, BONE_SPREAD = 1.04, 0.09
"""Mean and deviation, from scan to scan, of a factor on the HU of bone.

With places denser than others (`texture.BONE_PATCHES`), the histogram of a real head lies amid the simulated ones.
"""

DURA_HU = (2.0, 22.0)
"""Range of HU added to falx and tentorium: 1.6 mm thick, they lose as much to the scanner's blur."""


@dataclass(frozen=True)
class Look:
    """The variants drawn for a head beside its anatomy.

    Attributes:
        contrast_hu: HU of enhanced blood, or 0 without contrast medium.
        calcified: names from `CALCIUM_SHARES`.
        bone_density: factor on the HU of bone.
        dura_hu: HU added to falx and tentorium.
        ventricles: voxels by which the walls of the ventricles move outward.
        sulci: share of the cortex, 0 to 1, next to which the sulci are one voxel wider on each side.
    """

    contrast_hu: float = 0.0
    calcified: tuple[str, ...] = ()
    bone_density: float = 1.0
    dura_hu: float = 0.0
    ventricles: int = 0
    sulci: float = 0.0


def draw_look(rng: np.random.Generator) -> Look:
    """A random look; half of the heads with wide fluid spaces have wide sulci all over."""
    contrast = float(rng.uniform(*CONTRAST_HU)) if rng.random() < CONTRAST_SHARE else 0.0
    calcified = tuple(name for name, share in CALCIUM_SHARES.items() if rng.random() < share)
    density = float(BONE_DENSITY + BONE_SPREAD * np.clip(rng.standard_normal(), -2, 2))
    dura = float(rng.uniform(*DURA_HU))
    if rng.random() >= ATROPHY_SHARE:
        return Look(contrast, calcified, density, dura)
    ventricles = int(rng.integers(WIDEST_VENTRICLES + 1))
    return Look(contrast, calcified, density, dura, ventricles, float(min(rng.uniform(0.2, 1.8), 1.0)))
