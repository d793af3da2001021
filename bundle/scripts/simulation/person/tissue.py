"""From labels to Hounsfield units (HU): a value for each tissue, with variation from scan to scan and texture within.

Values follow what is seen on unenhanced head CT. What a detector of bleeds must learn to pass over is drawn too: bright
sinuses, falx and tentorium (50-70 HU), and whatever the head's `Look` holds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anatomy import labels as names
from ..anatomy.labels import CSF, SOFT_TISSUE, TABLE_SIZE, UNCOVERED, VENTRICLES
from .calcium import add_calcium, add_choroid
from .contrast import VESSEL_HU, add_vessels, enhance
from .look import Look, draw_look
from .texture import add_texture

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

MEAN_SOFT_HU = 10.0
"""Mean of muscle and the fat between."""

CHOROID_UPTAKE = (0.5, 0.8)
"""Range of the HU of the choroid plexus after contrast medium, as a share of the blood's."""


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


def to_hu(labels: Labels, rng: np.random.Generator, look: Look | None = None) -> Volume:
    """HU (I, J, K) of a label map of 1 mm voxels, with texture, vessels, and what the look says.

    The look is drawn where None is given. It changes only what it names: the other random choices stay the same.
    """
    own, vessels, enhancement, calcium = rng.spawn(4)
    look = draw_look(own) if look is None else look
    table = tissue_table(rng)
    table[[names.FALX, names.TENTORIUM]] += look.dura_hu
    if look.contrast_hu:
        enhance(table, look.contrast_hu, enhancement)
    hu: Volume = table[labels]
    add_texture(hu, labels, look.bone_density, rng)
    add_vessels(hu, labels, look.contrast_hu or VESSEL_HU, vessels)
    if look.contrast_hu:
        low, high = CHOROID_UPTAKE
        add_choroid(hu, labels, (low * look.contrast_hu, high * look.contrast_hu), enhancement)
    add_calcium(hu, labels, look.calcified, calcium)
    return hu
