"""The head of a simulated patient: without contrast agent, with the lesions that are planned, as far as they fit.

A lesion that does not fit the head is tried again in a head of another seed. If a bleed fits none of them, one inside
the brain takes its place; a second lesion that fits none is left out. The lesions that were planted are returned, so
that the truth names these and no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from scripts.simulation.anatomy.label_map import Anatomy
from scripts.simulation.lesions.planting import BRIGHT, plant_lesion
from scripts.simulation.person.head import LOOK_STREAM, SimulatedHead, draw_head, stream
from scripts.simulation.person.look import draw_look

ATTEMPTS, SEED_STEP = 3, 100_000_000
"""Number of heads that are tried, and the distance of their seeds."""

SECOND_STREAM = 31
"""Stream of random numbers of a second lesion."""

STAND_IN = "intraparenchymal"
"""The bleed that always fits."""

Lesions = Sequence[tuple[str, str]]
"""Kind and side of each lesion."""


def draw_patient(anatomy: Anatomy, seed: int, lesions: Lesions) -> tuple[SimulatedHead, list[dict[str, Any]]]:
    """The head, and its lesions: `lesion` (the kind), `side`, `volume_ml` and `midline_shift_mm` of each.

    Args:
        anatomy: the prepared label map.
        seed: everything random follows from it.
        lesions: none, one or two.

    Raises:
        ValueError: the first one fits no head, or the anatomy can't be drawn from.
    """
    kind, side = lesions[0] if lesions else (None, None)
    head = _first(anatomy, seed, kind, side)
    if kind is None:
        return head, []
    named = ("lesion", "side", "volume_ml", "midline_shift_mm")
    planted = [{name: head.description[name] for name in named}]
    for number, (kind, side) in enumerate(lesions[1:]):
        found = _second(head, kind, side, np.random.default_rng([seed, SECOND_STREAM, number]))
        if found is not None:
            head, words = found
            planted.append(words)
    return head, planted


def _first(anatomy: Anatomy, seed: int, kind: str | None, side: str | None) -> SimulatedHead:
    """A head with a lesion, or without one."""
    kinds = [kind] * ATTEMPTS + ([STAND_IN] if kind in BRIGHT and kind != STAND_IN else [])
    for attempt, tried in enumerate(kinds):
        own = seed + attempt * SEED_STEP
        look = replace(draw_look(stream(own, LOOK_STREAM)), contrast_hu=0.0)
        try:
            return draw_head(anatomy, own, lesion=tried, side=side, look=look)
        except ValueError as error:
            reason = error
    raise ValueError(f"no {kind} fits in {len(kinds)} heads: {reason}")


def _second(
    head: SimulatedHead, kind: str, side: str, rng: np.random.Generator
) -> tuple[SimulatedHead, dict[str, Any]] | None:
    """The head with one lesion more, and words for that; None where it does not fit."""
    try:
        lesion = plant_lesion(head.hu, head.labels, 1.0, kind, side, rng)
    except ValueError:
        return None
    volume_ml = round(float((lesion.mask == 1).sum()) / 1000, 3)
    words = {"lesion": kind, "side": side, "volume_ml": volume_ml, "midline_shift_mm": round(lesion.midline_mm, 2)}
    mask = np.where(lesion.mask > 0, lesion.mask, head.lesion).astype(np.uint8)
    return replace(head, hu=lesion.hu, labels=lesion.labels, lesion=mask), words
