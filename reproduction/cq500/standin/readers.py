"""Three simulated readers who mark the labels of CQ500 in a scan, and do not always agree.

A reader sees what is there with a *sensitivity* that depends on the label and on the reader's *skill*, and sees what is
not there in a few scans in a thousand, each label by itself. An epidural bleed is sometimes taken for a subdural one.
`ICH` is marked with any of its subtypes, `Fracture` with any fracture; a side is marked with every haemorrhage.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ..reads import FRACTURE, HAEMORRHAGE, LABELS, READERS, SIDES, SUBTYPES

SENSITIVITY = {
    "IPH": 0.95,
    "IVH": 0.9,
    "SDH": 0.93,
    "EDH": 0.93,
    "SAH": 0.88,
    "ChronicBleed": 0.75,
    "CalvarialFracture": 0.9,
    "OtherFracture": 0.7,
    "MassEffect": 0.85,
    "MidlineShift": 0.9,
}
"""Sensitivity of a reader of full skill, by label."""

SKILLS = (1.0, 0.97, 0.93)
"""Factor on the sensitivity of each reader."""

FALSE_ALARMS = 0.004
"""Probability that a reader marks a label that does not hold."""

MISTAKEN = 0.1
"""Probability that an epidural bleed is taken for a subdural one."""

RIGHT_SIDE, WRONG_SIDE = 0.97, 0.02
"""Probability that the side of a haemorrhage is marked, and that the other side is marked too."""


def read_scan(truth: Collection[str], rng: np.random.Generator) -> NDArray[np.bool_]:
    """The marks (3, 14) of the readers, by reader and label, in a scan in which the labels in `truth` hold."""
    return np.stack([_read(truth, skill, rng) for _, skill in zip(READERS, SKILLS, strict=True)])


def _read(truth: Collection[str], skill: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """The marks (14,) of one reader."""
    chances, seen = rng.random(len(SENSITIVITY)), set[str]()
    for chance, (label, sensitivity) in zip(chances, SENSITIVITY.items(), strict=True):
        if chance < (sensitivity * skill if label in truth else FALSE_ALARMS):
            seen.add(label)
    if rng.random() < MISTAKEN and "EDH" in seen:
        seen = (seen - {"EDH"}) | {"SDH"}
    sides = _sides(truth, rng)
    if seen & {*SUBTYPES, "ChronicBleed"}:
        seen |= {HAEMORRHAGE, *sides}
    if seen & {"CalvarialFracture", "OtherFracture"}:
        seen.add(FRACTURE)
    return np.array([label in seen for label in LABELS])


def _sides(truth: Collection[str], rng: np.random.Generator) -> set[str]:
    """The sides that a reader who sees a haemorrhage marks; one of them at least."""
    chances, either = rng.random(len(SIDES)), SIDES[int(rng.integers(len(SIDES)))]
    found = {
        side
        for side, chance in zip(SIDES, chances, strict=True)
        if chance < (RIGHT_SIDE if side in truth else WRONG_SIDE)
    }
    return found or {either}
