"""Defects of the calvaria after surgery: a missing bone flap, or burr holes.

A *craniectomy* removes a large flap of the calvaria on one side. The brain beneath bulges, or later sinks in; between
dura and scalp a gap of `shell.COLLAPSED_MM` remains. A *burr hole* is a round hole of 10 to 14 mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..anatomy.shell import Change, Shell, direction, directions, uneven

FLAP_AT_DEG = ((5.0, 35.0), (28.0, 45.0))
"""Azimuth of the middle of a flap, forward of lateral, and its elevation."""

FLAP_DEG = (26.0, 42.0), (0.65, 0.95)
"""Half length of a flap, seen from the middle of the head, and its half height relative to it."""

BULGE_MM = (-12.0, 14.0)
"""Range of the bulge of the brain beneath the middle of the flap; negative if sunken."""

HOLE_MM = (5.0, 7.0)
"""Radius of a burr hole."""

HOLES_AT_DEG = ((62.0, 78.0), (45.0, 62.0)), ((-10.0, 20.0), (40.0, 62.0)), ((-70.0, -45.0), (25.0, 45.0))
"""Azimuth (forward of lateral) and elevation of burr holes: frontal, parietal, occipital."""


@dataclass(frozen=True)
class Surgery:
    """Missing parts of the calvaria.

    Attributes:
        flap_at_deg: azimuth and elevation of the middle of a missing flap.
        flap_deg: its half length and half height; zeros for none.
        bulge_mm: bulge of the brain beneath, negative if sunken.
        holes: azimuth, elevation (degrees) and radius (mm) of each burr hole.
    """

    flap_at_deg: tuple[float, float] = (0.0, 0.0)
    flap_deg: tuple[float, float] = (0.0, 0.0)
    bulge_mm: float = 0.0
    holes: tuple[tuple[float, float, float], ...] = ()


def draw_craniectomy(rng: np.random.Generator) -> Surgery:
    """A missing flap on a random side."""
    at = tuple(float(rng.uniform(*bounds)) for bounds in FLAP_AT_DEG)
    length = float(rng.uniform(*FLAP_DEG[0]))
    height = length * float(rng.uniform(*FLAP_DEG[1]))
    azimuth = at[0] if rng.random() < 0.5 else 180 - at[0]
    return Surgery((azimuth, at[1]), (length, height), float(rng.uniform(*BULGE_MM)))


def draw_burr_holes(rng: np.random.Generator) -> Surgery:
    """One to three burr holes, on either side."""
    holes = []
    for place in rng.permutation(len(HOLES_AT_DEG))[: int(rng.integers(1, 4))]:
        azimuth, elevation = (float(rng.uniform(*bounds)) for bounds in HOLES_AT_DEG[place])
        turned = azimuth if rng.random() < 0.5 else 180 - azimuth
        holes.append((turned, elevation, float(rng.uniform(*HOLE_MM))))
    return Surgery(holes=tuple(holes))


def surgery_change(change: Change, surgery: Surgery, shell: Shell, rng: np.random.Generator) -> Change:
    """The change of a shell, with its missing bone added; `rng` roughens the edge of a flap."""
    missing, bulge = change.missing.copy(), change.bulge.copy()
    if any(surgery.flap_deg):
        rho = _spread(surgery) * (1 + 0.05 * uneven(12.0, rng))
        missing |= rho < 1
        bulge = bulge + surgery.bulge_mm * np.clip(1 - rho**2, 0, 1)
    for azimuth, elevation, radius_mm in surgery.holes:
        cosine = directions() @ direction(azimuth, elevation)
        missing |= shell.outer * np.arccos(np.clip(cosine, -1, 1)) < radius_mm
    return change._replace(missing=missing, bulge=bulge)


def _spread(surgery: Surgery) -> NDArray[np.float64]:
    """Angles (180, 91) from the middle of the flap, in units of its half length and half height."""
    toward = direction(*surgery.flap_at_deg)
    up = np.array([0.0, 0, 1]) - toward * toward[2]
    up /= np.linalg.norm(up)
    out = directions()
    angle = np.rad2deg(np.arccos(np.clip(out @ toward, -1, 1)))
    aside, above = out @ np.cross(up, toward), out @ up
    size = np.maximum(np.hypot(aside, above), 1e-9)
    return np.asarray(angle * np.hypot(aside / size / surgery.flap_deg[0], above / size / surgery.flap_deg[1]))
