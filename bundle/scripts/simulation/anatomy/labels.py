"""Labels: the meaning of the numbers of a label map.

A *label* is FreeSurfer's number of a structure, or one of the head labels above 500. *Left* is the patient's left. Two
kinds of labels are added by `anatomy.prepare`: tissues that the maps leave out (orbital fat, falx, tentorium) and
`UNCOVERED`, for places below the lowest slice of the map, of which nothing is known. `shell` adds `SWELLING`.

Source of the numbers: FreeSurferColorLUT.txt; the head labels are those of the SynthSeg training maps, and their names
were inferred from where they lie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UNCOVERED, AIR = -1, 0
CSF, SOFT_TISSUE, SKIN, CORTICAL_BONE, CANCELLOUS_BONE = 24, 507, 511, 515, 516
EYEBALL, OPTIC_NERVE, MUCOSA, SINUS, CORD = 506, 508, 509, 514, 512
ORBITAL_FAT, FALX, TENTORIUM = 600, 601, 602
SWELLING = 603
THIRD_VENTRICLE, BRAIN_STEM = 14, 16

TABLE_SIZE = 1024
"""Length of a look-up table over labels; its last entry is reached by `UNCOVERED`, as table[-1]."""

PAIRS: tuple[tuple[int, int, str], ...] = (
    (2, 41, "cerebral white matter"),
    (3, 42, "cerebral cortex"),
    (4, 43, "lateral ventricle"),
    (5, 44, "inferior lateral ventricle"),
    (7, 46, "cerebellar white matter"),
    (8, 47, "cerebellar cortex"),
    (10, 49, "thalamus"),
    (11, 50, "caudate"),
    (12, 51, "putamen"),
    (13, 52, "pallidum"),
    (17, 53, "hippocampus"),
    (18, 54, "amygdala"),
    (25, 57, "white matter lesion"),
    (26, 58, "accumbens"),
    (28, 60, "ventral diencephalon"),
    (30, 62, "vessel"),
    (136, 163, "posterior deep grey matter"),
    (137, 164, "inferior deep grey matter"),
)
"""(left, right, name) of every structure that exists twice."""

SINGLES: dict[int, str] = {
    14: "third ventricle",
    15: "fourth ventricle",
    16: "brain stem",
    CSF: "cerebrospinal fluid",
    72: "fifth ventricle",
    85: "optic chiasm",
    502: "deep vessels of the neck",
    EYEBALL: "eyeball",
    SOFT_TISSUE: "soft tissue",
    OPTIC_NERVE: "optic nerve",
    MUCOSA: "nasal mucosa",
    SKIN: "skin",
    CORD: "spinal cord",
    SINUS: "venous sinus",
    CORTICAL_BONE: "cortical bone",
    CANCELLOUS_BONE: "cancellous bone",
    530: "carotid artery at the skull base",
    ORBITAL_FAT: "orbital fat",
    FALX: "falx",
    TENTORIUM: "tentorium",
    SWELLING: "swelling of the scalp",
}

LEFT = tuple(left for left, _, _ in PAIRS)
RIGHT = tuple(right for _, right, _ in PAIRS)
LATERAL_VENTRICLES = (4, 43)
"""Left and right, without their inferior horns."""

LEFT_INNER_VENTRICLES, RIGHT_INNER_VENTRICLES = (4, 5), (43, 44)
VENTRICLES = (4, 43, 5, 44, 14, 15, 72)
LEFT_CEREBRUM, RIGHT_CEREBRUM = (2, 3, 10, 11, 12, 13, 17, 18, 26), (41, 42, 49, 50, 51, 52, 53, 54, 58)
CEREBELLUM = (7, 46, 8, 47)
LEFT_CEREBELLUM, RIGHT_CEREBELLUM = (7, 8), (46, 47)
BRAIN = tuple(sorted({*LEFT, *RIGHT, 14, 15, 16, 72, 85}))
INTRACRANIAL = (*BRAIN, CSF, FALX, TENTORIUM)
"""Everything inside the dura; the sinuses (514) are left out, as the same label continues into the jugular veins."""

BONE = (CORTICAL_BONE, CANCELLOUS_BONE)

STRUCTURES: tuple[int, ...] = (
    *(2, 41, 3, 42, 4, 43, 7, 46, 8, 47, 10, 49, 11, 50, 12, 51, 13, 52, 17, 53, 18, 54, 26, 58, 28, 60),
    *(14, 15, 16),
)
"""The structures whose centroids define the common space: present in every complete map, and compact enough."""


def name(label: int) -> str:
    """The name of a label, with its side, as in "left thalamus".

    Raises:
        KeyError: the label is not known.
    """
    for left, right, structure in PAIRS:
        if label in (left, right):
            return f"{'left' if label == left else 'right'} {structure}"
    return SINGLES[label]


def swap_table() -> NDArray[np.int16]:
    """Look-up table (1024,) that exchanges left and right labels and keeps the others."""
    table = np.arange(TABLE_SIZE, dtype=np.int16)
    table[-1] = UNCOVERED
    table[list(LEFT + RIGHT)] = RIGHT + LEFT
    return table


def member_table(members: tuple[int, ...]) -> NDArray[np.bool_]:
    """Look-up table (1024,), true for the labels in `members`; `table[labels]` is their mask."""
    table = np.zeros(TABLE_SIZE, dtype=bool)
    table[list(members)] = True
    return table
