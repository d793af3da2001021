"""Vascular marks in the calvaria: grooves, channels, lakes, pits and foramina, drawn by `carving.py`.

*Grooves* of the middle meningeal vessels start at the pterion and branch on the inner table; *diploic channels* run
between the tables; *pits* beside the mid-plane contain arachnoid granulations, as dark as fluid; *lakes* are widened
parts of diploic veins; *emissary veins* pass through the whole bone, at the parietal foramina and behind the ears.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..anatomy.shell import Shell, direction
from .carving import PATH_MM, SKULL_MM, Cloud, ball, great_circle, sheet, sideways, tables_at, wander

Array = NDArray[np.float64]

GROOVE_MM, GROOVE_DEPTH_MM, MOST_BRANCHES = (0.8, 2.0), (0.5, 2.5), 3
"""Ranges of the width and the depth of a meningeal groove, and the most branches on each side."""

CHANNEL_MM, MOST_CHANNELS, CHANNEL_LENGTH_MM = (0.8, 2.2), 5, (15.0, 60.0)
"""Range of the width of diploic channels, their largest number, and the range of their lengths."""

PIT_MM, MOST_PITS, PIT_ASIDE_DEG = (1.5, 4.5), 5, (3.0, 20.0)
"""Range of the radii of granulations, their largest number, and the range of their angle from the mid-plane."""

LAKE_MM, MOST_LAKES = (1.5, 4.0), 3
"""Range of the radii of venous lakes, and their largest number."""

EMISSARY_MM, EMISSARY_SHARE = (0.4, 1.2), 0.5
"""Range of the radii of emissary veins, and the share of heads in which each is visible."""

EMISSARIES_DEG = ((-78.0, 48.0), (-62.0, -12.0))
"""Azimuth and elevation on the right: parietal foramen, mastoid foramen."""

WINDING_MM, WINDING_WAVE_MM = 4.0, 40.0
"""Deviation of a vessel from the shortest way, and the length over which it varies."""

PTERION_DEG = (40.0, 2.0)
VESSEL_HU, PIT_HU = (35.0, 60.0), (4.0, 20.0)
"""Ranges of the HU of blood vessels and of granulations."""


@dataclass(frozen=True)
class Grooves:
    """The vascular marks of a skull: number or size of each kind.

    Attributes:
        branches: meningeal grooves on the right and on the left.
        channels: diploic channels.
        pits: arachnoid granulations.
        lakes: venous lakes.
        emissaries: for each of `EMISSARIES_DEG` on the right, then on the left, the radius in mm, or 0.
        vessel_hu: HU of the blood.
        pit_hu: HU of the granulations.
    """

    branches: tuple[int, int] = (0, 0)
    channels: int = 0
    pits: int = 0
    lakes: int = 0
    emissaries: tuple[float, ...] = ()
    vessel_hu: float = 45.0
    pit_hu: float = 10.0


def draw_grooves(rng: np.random.Generator) -> Grooves:
    """The vascular marks of a random skull."""
    right, left, channels, pits, lakes = (
        int(rng.integers(most + 1)) for most in (MOST_BRANCHES, MOST_BRANCHES, MOST_CHANNELS, MOST_PITS, MOST_LAKES)
    )
    seen = rng.random(2 * len(EMISSARIES_DEG)) < EMISSARY_SHARE
    radii = rng.uniform(*EMISSARY_MM, len(seen)) * seen
    vessel, pit = rng.uniform(*VESSEL_HU), rng.uniform(*PIT_HU)
    return Grooves((right, left), channels, pits, lakes, tuple(radii.tolist()), float(vessel), float(pit))


def vessel_clouds(shell: Shell, grooves: Grooves, rng: np.random.Generator) -> list[Cloud]:
    """The clouds of grooves, channels, lakes and emissary veins, to be carved from the bone of a skull."""
    clouds = []
    for side, count in zip((1, -1), grooves.branches, strict=True):
        for branch in range(count):
            start = _on_side(PTERION_DEG[0] + rng.uniform(-6, 6), PTERION_DEG[1] + rng.uniform(-4, 6), side)
            goal = _on_side((75.0, 10.0, -35.0)[branch] + rng.uniform(-15, 15), rng.uniform(40, 65), side)
            path = walk(start, goal, rng.uniform(50, 110), rng)
            width = rng.uniform(*GROOVE_MM) * np.linspace(1, 0.4, len(path))
            depth = rng.uniform(*GROOVE_DEPTH_MM) * np.clip(0.8 + 0.3 * wander(len(path), 12.0, rng), 0.2, 1.2)
            clouds.append(_groove(shell, path, width, 0.0, depth))
    for _ in range(grooves.channels):
        start, goal = (direction(rng.uniform(0, 360), rng.uniform(15, 80)) for _ in range(2))
        path = walk(start, goal, rng.uniform(*CHANNEL_LENGTH_MM), rng)
        width = rng.uniform(*CHANNEL_MM) * np.clip(0.8 + 0.3 * wander(len(path), 10.0, rng), 0.2, 1.5)
        clouds.append(_groove(shell, path, width, rng.uniform(0.3, 0.55), width))
    for _ in range(grooves.lakes):
        radius = rng.uniform(*LAKE_MM)
        clouds.append(ball(shell, direction(rng.uniform(0, 360), rng.uniform(25, 80)), 3.5, (radius, min(radius, 2.0))))
    for number, radius in enumerate(grooves.emissaries):
        azimuth, elevation = EMISSARIES_DEG[number % len(EMISSARIES_DEG)]
        side = 1 if number < len(EMISSARIES_DEG) else -1
        out = _on_side(azimuth + rng.uniform(-4, 4), elevation + rng.uniform(-5, 5), side)
        clouds += [ball(shell, out, 5.0, (radius, 9.0))] if radius else []
    return clouds


def pit_clouds(shell: Shell, grooves: Grooves, rng: np.random.Generator) -> list[Cloud]:
    """The clouds of arachnoid granulations near the mid-plane, to be carved from the inner table of a skull."""
    clouds = []
    for _ in range(grooves.pits):
        lateral, along = np.deg2rad((rng.uniform(*PIT_ASIDE_DEG) * rng.choice((-1, 1)), rng.uniform(35, 140)))
        out = np.array([np.sin(lateral), np.cos(lateral) * np.cos(along), np.cos(lateral) * np.sin(along)])
        radius = rng.uniform(*PIT_MM)
        clouds.append(ball(shell, out, 0.0, (radius, min(0.8 * radius, 3.0))))
    return clouds


def walk(start: Array, goal: Array, length_mm: float, rng: np.random.Generator) -> Array:
    """A winding path of at most `length_mm` from one direction (3,) toward another."""
    way = great_circle(start, goal)[: max(int(length_mm / PATH_MM), 4)]
    aside = WINDING_MM * (wander(len(way), WINDING_WAVE_MM, rng) + 0.2 * wander(len(way), WINDING_WAVE_MM / 4, rng))
    path = way + (aside * np.minimum(np.arange(len(way)) / 20, 1) / SKULL_MM)[:, None] * sideways(way)
    return np.asarray(path / np.linalg.norm(path, axis=1, keepdims=True))


def _on_side(azimuth_deg: float, elevation_deg: float, side: int) -> Array:
    """A direction (3,), given on the right, on the right (1) or on the left (-1)."""
    return direction(azimuth_deg, elevation_deg) * (side, 1, 1)


def _groove(shell: Shell, path: Array, width_mm: Array, from_depth: float, depth_mm: Array) -> Cloud:
    """A cut along a path from depth `from_depth` outward, `depth_mm` deep."""
    inner, outer = tables_at(shell, path)
    deep = np.minimum(from_depth + depth_mm / np.maximum(outer - inner, 1.0), 0.9)
    depths = np.stack([np.full(len(path), from_depth), np.maximum(deep, from_depth)], axis=1)
    return sheet(shell, path, np.zeros((len(path), 2)), width_mm, depths)
