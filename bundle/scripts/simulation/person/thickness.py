"""Thickness of the calvaria: a factor on the distance between its tables that varies slightly from place to place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy.shell import Change, calvaria, uneven

THICKNESS = (0.7, 1.5)
"""Range of the factor, drawn evenly in its logarithm: calvariae of healthy adults are some 4 to 10 mm thick."""

UNEVENNESS = (0.02, 0.12)
"""Range of its deviation from place to place."""

GRAIN_DEG = 35.0
"""Angle over which it varies."""


@dataclass(frozen=True)
class Thickness:
    """The mean factor on the thickness of the calvaria, and its deviation from place to place."""

    mean: float = 1.0
    unevenness: float = 0.0


def draw_thickness(rng: np.random.Generator, bounds: tuple[float, float] = THICKNESS) -> Thickness:
    """A random thickness."""
    mean = float(np.exp(rng.uniform(*np.log(bounds))))
    return Thickness(mean, float(rng.uniform(*UNEVENNESS)))


def thickness_change(change: Change, thickness: Thickness, rng: np.random.Generator) -> Change:
    """The change of a shell, with that of its bone added; `rng` draws the variation of its thickness."""
    factor = thickness.mean * np.clip(1 + thickness.unevenness * uneven(GRAIN_DEG, rng), 0.6, 1.5)
    return change._replace(bone=change.bone * (1 + calvaria() * (factor - 1)))
