"""Calcium that healthy heads hold: in choroid plexus, pineal gland, basal ganglia, falx, and the carotid walls.

A *grain* is an ellipsoid of calcium with a ragged edge; HU are raised toward its value, never lowered, and bone is left
alone. An *enhanced* choroid plexus, after contrast medium, is drawn as grains of a smooth value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..anatomy.labels import BONE, FALX, member_table

Volume = NDArray[np.float32]
Labels = NDArray[np.int16]
Array = NDArray[np.float64]

LATERAL_VENTRICLES, THIRD_VENTRICLE, PALLIDA, CAROTID = (4, 43), 14, (13, 52), 530

ATRIUM = (0.1, 0.35)
"""Part of a lateral ventricle in which the choroid plexus is thickest: quantiles from its posterior end."""

CHOROID_MM, UNEVEN = (1.2, 3.5), (0.45, 1.2)
"""Range of the radius of its grains, and of the factor by which each side differs from it."""

ONE_SIDED = 0.15
"""Share of calcified choroid plexuses of which only one side is."""

CALCIUM_HU = (90.0, 450.0)
"""Range of a grain's value; the scanner's blur lowers small ones."""

PLAQUE_MM = (2.0, 9.0)
"""Range of the radius of a plaque in the falx, which is as thick as the falx."""


def add_calcium(hu: Volume, labels: Labels, places: Sequence[str], rng: np.random.Generator) -> None:
    """Draw calcium at the named places (`look.CALCIUM_SHARES`) into HU (I, J, K) of 1 mm voxels, in place.

    Places whose label the map lacks stay as they are.
    """
    for place, child in zip(_PLACES, rng.spawn(len(_PLACES)), strict=True):
        if place in places:
            _PLACES[place](hu, labels, child)


def add_choroid(hu: Volume, labels: Labels, value_hu: tuple[float, float], rng: np.random.Generator) -> None:
    """The choroid plexus of both sides, uneven in size, as grains of a value from a range."""
    radius = rng.uniform(*CHOROID_MM)
    value = rng.uniform(*value_hu)
    where = rng.uniform(*ATRIUM)
    for label in LATERAL_VENTRICLES:
        size, brightness, count = radius * rng.uniform(*UNEVEN), value * rng.uniform(0.7, 1.2), int(rng.integers(1, 5))
        if rng.random() < ONE_SIDED / 2:
            continue
        voxels = np.argwhere(labels == label)
        if not len(voxels):
            continue
        near = np.abs(voxels[:, 1] - np.quantile(voxels[:, 1], where)) < 2
        centre = voxels[near][rng.integers(near.sum())]
        for _ in range(count):
            radii = size * rng.uniform(0.4, 1.1, 3) * (0.8, 1.2, 1.0)
            _grain(hu, labels, centre + rng.normal(0, 1.5, 3) * (count > 1), radii, brightness, rng)


def _choroid(hu: Volume, labels: Labels, rng: np.random.Generator) -> None:
    add_choroid(hu, labels, CALCIUM_HU, rng)


def _pineal(hu: Volume, labels: Labels, rng: np.random.Generator) -> None:
    """One or two grains at the posterior end of the third ventricle."""
    voxels = np.argwhere(labels == THIRD_VENTRICLE)
    if not len(voxels):
        return
    end = voxels[voxels[:, 1] <= np.quantile(voxels[:, 1], 0.1)].mean(axis=0)
    for _ in range(int(rng.integers(1, 3))):
        centre = end + rng.uniform((-1, -5, -2), (1, -1, 2))
        _grain(hu, labels, centre, rng.uniform(0.8, 2.6, 3), rng.uniform(*CALCIUM_HU), rng)


def _basal_ganglia(hu: Volume, labels: Labels, rng: np.random.Generator) -> None:
    """Specks in both pallida, about as many on each side."""
    count, value = int(rng.integers(2, 9)), rng.uniform(60, 160)
    for label in PALLIDA:
        voxels = np.argwhere(labels == label)
        for _ in range(count if len(voxels) else 0):
            centre = voxels[rng.integers(len(voxels))]
            _grain(hu, labels, centre, rng.uniform(0.7, 2.2, 3), value * rng.uniform(0.6, 1.2), rng)


def _falx(hu: Volume, labels: Labels, rng: np.random.Generator) -> None:
    """One to three plaques in the falx."""
    voxels = np.argwhere(labels == FALX)
    for _ in range(int(rng.integers(1, 4)) if len(voxels) else 0):
        centre = voxels[rng.integers(len(voxels))]
        inside = ((voxels - centre) ** 2).sum(axis=1) < rng.uniform(*PLAQUE_MM) ** 2
        value = rng.uniform(150, 700) * rng.uniform(0.6, 1.0, int(inside.sum()))
        hu[tuple(voxels[inside].T)] = np.maximum(hu[tuple(voxels[inside].T)], value)


def _carotid(hu: Volume, labels: Labels, rng: np.random.Generator) -> None:
    """Specks in the walls of the carotid arteries at the skull base."""
    voxels = np.argwhere(labels == CAROTID)
    for _ in range(int(rng.integers(2, 9)) if len(voxels) else 0):
        centre = voxels[rng.integers(len(voxels))] + rng.uniform(-1.5, 1.5, 3)
        _grain(hu, labels, centre, rng.uniform(0.6, 1.8, 3), rng.uniform(*CALCIUM_HU), rng)


_PLACES = {"choroid": _choroid, "pineal": _pineal, "basal ganglia": _basal_ganglia, "falx": _falx, "carotid": _carotid}


def _grain(hu: Volume, labels: Labels, centre: Array, radii: Array, value: float, rng: np.random.Generator) -> None:
    """Raise HU toward a value in an ellipsoid, with an edge of 1 mm that each voxel takes part in more or less."""
    reach = float(np.max(radii)) + 2
    box = tuple(slice(max(int(c - reach), 0), max(int(c + reach) + 1, 0)) for c in centre)
    shape = hu[box].shape
    if not all(shape):
        return
    axes = [(np.arange(s.start, s.start + n) - c) / r for s, n, c, r in zip(box, shape, centre, radii, strict=True)]
    distance = np.sqrt(axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2][None, None, :] ** 2)
    share = np.clip((1 - distance) * float(np.mean(radii)) + 0.5, 0, 1) * rng.uniform(0.5, 1.0, shape)
    share[member_table(BONE)[labels[box]]] = 0
    hu[box] += (share * np.maximum(value - hu[box], 0)).astype(np.float32)
