"""Broken inputs that must be refused, made from a valid head CT.

A *break* makes a volume (I, J, K) in HU and its affine from a case of `registration_cases.py` and random numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from registration_cases import Array, Case, body
from scipy import ndimage

from scripts.geometry.coordinates import CENTRE_MM
from scripts.volume import AIR_HU, UNKNOWN_HU

Hu = NDArray[np.float32]
Broken = tuple[Hu, Array]
Break = Callable[[Case, np.random.Generator], Broken]


def half(axis: int) -> Break:
    """A break that keeps half of the head, on a random side of the middle of the brain; the rest is air, or unknown."""

    def broken(case: Case, rng: np.random.Generator) -> Broken:
        index = np.moveaxis(np.indices(case.volume.shape, dtype=np.float32), 0, -1)
        row = (case.truth @ case.affine)[axis]
        side = index @ row[:3].astype(np.float32) + np.float32(row[3] - CENTRE_MM[axis])
        gone = side > 0 if rng.random() < 0.5 else side < 0
        return np.where(gone, np.float32(rng.choice([AIR_HU, UNKNOWN_HU])), case.volume), case.affine

    return broken


def changed(change: Callable[[Hu], Hu]) -> Break:
    """A break that applies `change` to all known HU."""

    def broken(case: Case, rng: np.random.Generator) -> Broken:
        return np.where(case.volume > UNKNOWN_HU, change(case.volume), case.volume), case.affine

    return broken


def respaced(factors: tuple[float, float, float]) -> Break:
    """A break that scales the header's voxel size by a factor along each axis of the grid."""

    def broken(case: Case, rng: np.random.Generator) -> Broken:
        return case.volume, case.affine @ np.diag([*factors, 1.0])

    return broken


def upside_down(case: Case, rng: np.random.Generator) -> Broken:
    """The slices in reverse order: mirrored, not turned."""
    return case.volume[:, :, ::-1], case.affine


def shuffled(case: Case, rng: np.random.Generator) -> Broken:
    """The slices in another order, in runs of 1 to 12."""
    runs = np.array_split(np.arange(case.volume.shape[2]), case.volume.shape[2] // int(rng.integers(1, 13)))
    return case.volume[:, :, np.concatenate([runs[n] for n in rng.permutation(len(runs))])], case.affine


def chest(case: Case, rng: np.random.Generator) -> Broken:
    """A simulated body instead of the head."""
    return body(rng), np.diag([2.0, 2.0, 3.0, 1.0])


def noise(case: Case, rng: np.random.Generator) -> Broken:
    """The head's outline filled with noise of random smoothness."""
    inside = ndimage.binary_fill_holes(case.volume > -300)
    grain = ndimage.gaussian_filter(rng.standard_normal(inside.shape), rng.uniform(0, 4))
    values = grain / grain.std() * 300 + 40
    return np.where(inside, np.maximum(values, AIR_HU), case.volume).astype(np.float32), case.affine


def water(case: Case, rng: np.random.Generator) -> Broken:
    """A phantom: a homogeneous cylinder of water in a plastic shell, as large as a head."""
    grid = np.indices((120, 120, 90), dtype=np.float32) * 2 - np.array([119, 119, 89])[:, None, None, None]
    radius, height_mm = rng.uniform(75, 105), rng.uniform(75, 88)
    away = np.hypot(grid[0], grid[1] / rng.uniform(1, 1.2))
    hu = np.where((away < radius) & (abs(grid[2]) < height_mm), 0.0, -1000.0)
    hu[(away >= radius) & (away < radius + 6) & (abs(grid[2]) < height_mm)] = rng.choice([120.0, 900.0])
    return (hu + rng.normal(0, 5, hu.shape)).astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0])


BREAKS: dict[str, Break] = {
    "half, cut sagittally": half(0),
    "half, cut coronally": half(1),
    "half, cut axially": half(2),
    "upside down": upside_down,
    "HU + 300": changed(lambda hu: hu + 300),
    "0.75 of the size": respaced((0.75, 0.75, 0.75)),
    "slices at 0.75 of their distance": respaced((1.0, 1.0, 0.75)),
    "HU - 300": changed(lambda hu: hu - 300),
    "slices shuffled": shuffled,
    "body": chest,
    "HU doubled above air": changed(lambda hu: (hu - AIR_HU) * 2 + AIR_HU),
    "pixels at 0.75 of their distance": respaced((0.75, 0.75, 1.0)),
    "noise": noise,
    "HU + 60": changed(lambda hu: np.where(hu < -900, hu, hu + 60)),
    "HU inverted": changed(lambda hu: 1000 - hu),
    "HU halved": changed(lambda hu: hu / 2),
    "1.35 of the size": respaced((1.35, 1.35, 1.35)),
    "HU - 100": changed(lambda hu: hu - 100),
    "water": water,
    "HU 0.9 above air": changed(lambda hu: (hu - AIR_HU) * 0.9 + AIR_HU),
}
"""All breaks, by name."""
