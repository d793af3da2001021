"""Fluid over the lobes: a brain that has drawn back from the frontal base and from the temporal poles.

Beside the wide sulci of `atrophy.py`, which grow voxel by voxel, here the brain keeps its gyri and shrinks toward the
middle, and fluid fills what it leaves. The sides differ. So do the *ventricles*, one of which is often wider.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..anatomy.shell import Change, bump

FRONTAL_SHARE, FRONTAL_MM = 0.35, (1.5, 8.0)
"""Share of heads with fluid over the frontal base, and the range of its width."""

TEMPORAL_SHARE, TEMPORAL_MM = 0.3, (1.5, 6.0)
"""Share of heads with fluid over the temporal poles, and the range of its width."""

SIDES = (0.5, 1.0)
"""Range of the factor on the width, side by side."""

WIDER_SHARE, WIDER = 0.3, (1, 4)
"""Share of heads one of whose lateral ventricles is wider than the other, and by how many voxels, on each wall."""

PLACES_DEG: dict[str, tuple[tuple[float, float], float]] = {
    "frontal": ((70.0, -2.0), 20.0),
    "temporal": ((38.0, -18.0), 15.0),
}
"""Azimuth and elevation of the middle of the fluid on the right, and its width (deviation)."""


@dataclass(frozen=True)
class Fluid:
    """Fluid over the lobes, mm, and widening of the lateral ventricles, voxels: right and left each."""

    frontal_mm: tuple[float, float] = (0.0, 0.0)
    temporal_mm: tuple[float, float] = (0.0, 0.0)
    ventricles: tuple[int, int] = (0, 0)


def draw_fluid(rng: np.random.Generator) -> Fluid:
    """Random fluid."""
    frontal, temporal = (
        _sides(rng, share, bounds) for share, bounds in ((FRONTAL_SHARE, FRONTAL_MM), (TEMPORAL_SHARE, TEMPORAL_MM))
    )
    wider, right = int(rng.integers(WIDER[0], WIDER[1] + 1)), rng.random() < 0.5
    if rng.random() >= WIDER_SHARE:
        return Fluid(frontal, temporal)
    return Fluid(frontal, temporal, (wider, 0) if right else (0, wider))


def _sides(rng: np.random.Generator, share: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """Widths on the right and on the left, mm."""
    width, (right, left) = rng.uniform(*bounds), rng.uniform(*SIDES, 2)
    return (float(width * right), float(width * left)) if rng.random() < share else (0.0, 0.0)


def fluid_change(change: Change, fluid: Fluid) -> Change:
    """The change of a shell with the fluid that it gains."""
    gained = change.fluid.copy()
    for name, widths in (("frontal", fluid.frontal_mm), ("temporal", fluid.temporal_mm)):
        (azimuth, elevation), width_deg = PLACES_DEG[name]
        sides = zip(widths, (azimuth, 180 - azimuth), strict=True)
        right, left = (size * bump(at, elevation, width_deg) for size, at in sides)
        gained = gained + np.maximum(right, left)
    return change._replace(fluid=gained)
