"""A simulated data set in the form of CQ500: its patients, their lesions, and the true labels.

A *case* is one patient with one study. Six in ten are healthy; most of the others have a bleed, of five subtypes that
take turns, some of them old, a third on both sides; some have a fracture, half of those with an epidural bleed beneath;
a few have a lesion that is neither (oedema, a cyst, an infarct), which the readers mark as mass effect. A *recipe* says
which series the study holds, see `recipes`. Case numbers are dealt at random, so that they tell nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .recipes import RECIPE_TURNS

SIDES = ("left", "right")

BLEEDS: Mapping[str, tuple[str, ...]] = {
    "subdural": ("ICH", "SDH"),
    "intraparenchymal": ("ICH", "IPH"),
    "subarachnoid": ("ICH", "SAH"),
    "epidural": ("ICH", "EDH"),
    "intraventricular": ("ICH", "IVH"),
    "isodense_subdural": ("ICH", "SDH", "ChronicBleed"),
}
"""Kinds of bleeds, in the order of their turns, and their labels."""

FRACTURES = ("linear_fracture", "depressed_fracture", "diastatic_fracture")
OTHERS = ("oedema", "cyst", "infarct")

HEALTHY_SHARE, FRACTURE_SHARE, OTHER_SHARE = 0.6, 0.12, 0.04
"""Shares of the cases that are healthy, have a fracture, or have a lesion of the other kinds."""

BILATERAL_TURN, BLEED_BENEATH_TURN = 3, 2
"""Every third case with a bleed has one on both sides, every second one with a fracture has a bleed too."""

FEWEST_CASES = 6
"""Fewer cases can't be split for training and test."""

SEEDS_APART = 1000
"""Distance of the seeds of patients of two data sets with neighbouring seeds: they share no patient."""

MASS_EFFECT_ML, MASS_EFFECT_MM = 25.0, 2.0
"""A bleed of this volume, or one that shifts the midline by so much, has a mass effect."""

MIDLINE_SHIFT_MM = 5.0
"""From here on a shift of the midline is one to mark."""


@dataclass(frozen=True)
class CasePlan:
    """The plan of a case: its number, seed, anatomy and recipe, and (kind, side) of its lesions."""

    number: int
    seed: int
    anatomy: str
    recipe: str
    lesions: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The scan's name in the label table."""
        return f"CQ500-CT-{self.number}"

    @property
    def folder(self) -> str:
        """The name of the case's folder."""
        return f"CQ500CT{self.number} CQ500CT{self.number}"


def plans(anatomies: Sequence[str], count: int, seed: int = 0) -> list[CasePlan]:
    """The cases of a data set, by what they have, taking turns over anatomies and recipes.

    Raises:
        ValueError: fewer than `FEWEST_CASES`, or no anatomy.
    """
    if count < FEWEST_CASES or not anatomies:
        raise ValueError(
            f"a data set needs {FEWEST_CASES} cases or more and an anatomy, got {count} and {len(anatomies)}"
        )
    numbers = np.random.default_rng(seed).permutation(count).tolist()
    return [
        CasePlan(
            number=number,
            seed=SEEDS_APART * seed + index,
            anatomy=anatomies[index % len(anatomies)],
            recipe=RECIPE_TURNS[index % len(RECIPE_TURNS)],
            lesions=lesions,
        )
        for index, (number, lesions) in enumerate(zip(numbers, _lesions(count), strict=True))
    ]


def _lesions(count: int) -> list[tuple[tuple[str, str], ...]]:
    """The lesions of each of so many cases: healthy ones first, then bleeds, fractures, others."""
    healthy, others = round(HEALTHY_SHARE * count), round(OTHER_SHARE * count)
    fractures = max(1, round(FRACTURE_SHARE * count))
    bleeds = count - healthy - others - fractures
    found: list[tuple[tuple[str, str], ...]] = [() for _ in range(healthy)]
    found += [_bleed(turn) for turn in range(bleeds)]
    found += [_fracture(turn) for turn in range(fractures)]
    return found + [((OTHERS[turn % len(OTHERS)], SIDES[turn % 2]),) for turn in range(others)]


def _bleed(turn: int) -> tuple[tuple[str, str], ...]:
    """One bleed, or two on both sides; sides change from one round of the kinds to the next, and within it."""
    kinds = tuple(BLEEDS)
    side = (turn + turn // len(kinds)) % 2
    first = (kinds[turn % len(kinds)], SIDES[side])
    if turn % BILATERAL_TURN != BILATERAL_TURN - 1:
        return (first,)
    return first, (kinds[(turn + 1) % 2], SIDES[1 - side])


def _fracture(turn: int) -> tuple[tuple[str, str], ...]:
    """A fracture, or one with an epidural bleed beneath."""
    side = SIDES[turn % 2]
    first = (FRACTURES[turn % len(FRACTURES)], side)
    return (first, ("epidural", side)) if turn % BLEED_BENEATH_TURN else (first,)


def true_labels(planted: Sequence[Mapping[str, Any]]) -> set[str]:
    """The labels of the label table that truly hold.

    Args:
        planted: the lesions, each with `lesion` (its kind), `side`, `volume_ml` and `midline_shift_mm`.
    """
    labels = set[str]()
    for lesion in planted:
        kind, side = str(lesion["lesion"]), str(lesion["side"])
        shift_mm = abs(float(lesion["midline_shift_mm"]))
        if kind in BLEEDS:
            labels |= {*BLEEDS[kind], f"BleedLocation-{side.title()}"}
            if float(lesion["volume_ml"]) >= MASS_EFFECT_ML or shift_mm >= MASS_EFFECT_MM:
                labels.add("MassEffect")
        elif kind in FRACTURES:
            labels |= {"Fracture", "CalvarialFracture"}
        else:
            labels.add("MassEffect")
        if shift_mm >= MIDLINE_SHIFT_MM:
            labels.add("MidlineShift")
    return labels
