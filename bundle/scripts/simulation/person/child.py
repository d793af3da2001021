"""Children from 2 years on: a smaller head, a thin and less dense calvaria, a small face, no signs of ageing.

The size of the head follows its circumference (48 cm at 2 years, 55 cm at 18; WHO and Nellhaus, Pediatrics 41, 1968);
the calvaria is half as thick at 2 years as in an adult, and the face, which grows last, is smaller than the braincase.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .look import Look
from .shape import Shape
from .skew import lattice_offsets_mm

AGES = (2.0, 12.0)
"""Years, drawn evenly."""

GROWTH_YEARS = (2.0, 5.0, 12.0, 18.0)
SIZE = (0.87, 0.92, 0.97, 1.0)
"""Size of the braincase relative to an adult's, at these ages."""

BONE = (0.45, 0.55, 0.8, 1.0)
"""Thickness of the calvaria relative to an adult's."""

DENSITY = (0.75, 0.82, 0.93, 1.0)
"""Density of bone relative to an adult's."""

FACE = (0.24, 0.19, 0.08, 0.0)
"""Shrinkage of the face relative to the braincase."""

FACE_FROM_MM, FACE_OVER_MM = (-5.0, -10.0), (60.0, 45.0)
"""Height and depth of the face's upper and rear limit, from the middle of the brain, and the lengths downward and
forward over which its shrinkage grows to full."""


@dataclass(frozen=True)
class Child:
    """A child of an age in years."""

    age: float

    def at_this_age(self, values: tuple[float, ...]) -> float:
        """The value at this age, interpolated between those at `GROWTH_YEARS`."""
        return float(np.interp(self.age, GROWTH_YEARS, values))


def draw_child(rng: np.random.Generator) -> Child:
    """A child of a random age."""
    return Child(float(rng.uniform(*AGES)))


def child_shape(shape: Shape, child: Child) -> Shape:
    """A shape scaled to a child's size, with a smaller face."""
    smaller = shape.displacement + _face(child.at_this_age(FACE))
    return replace(shape, scale=shape.scale * child.at_this_age(SIZE), displacement=smaller)


def child_look(look: Look, child: Child) -> Look:
    """A look without calcifications and wide fluid spaces, with a child's bone density."""
    density = look.bone_density * child.at_this_age(DENSITY)
    return replace(look, calcified=(), ventricles=0, sulci=0.0, bone_density=density)


def _face(share: float) -> NDArray[np.float64]:
    """A displacement (3, 33, 33, 33) that shrinks the face toward the skull base: it points to the source, beyond."""
    offsets = lattice_offsets_mm()
    below = _step((FACE_FROM_MM[0] - offsets[2]) / FACE_OVER_MM[0])
    ahead = _step((offsets[1] - FACE_FROM_MM[1]) / FACE_OVER_MM[1])
    away = offsets - np.reshape((0.0, FACE_FROM_MM[1], FACE_FROM_MM[0]), (3, 1, 1, 1))
    return np.asarray(share * below * ahead * away)


def _step(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth step from 0 to 1."""
    inside = np.clip(share, 0, 1)
    return np.asarray(inside**2 * (3 - 2 * inside))
