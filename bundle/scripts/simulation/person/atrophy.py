"""Wide fluid spaces: ventricles and sulci that grow into the brain around them, voxel by voxel.

A *step* moves the border of a mask outward by one voxel along the axes, and along the diagonals in every other step, so
that the border stays round.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..anatomy.labels import BRAIN, CSF, LEFT, LEFT_CEREBRUM, RIGHT_CEREBRUM, member_table
from .texture import smooth_noise

Labels = NDArray[np.int16]
Mask = NDArray[np.bool_]

LATERAL_VENTRICLES = (4, 43)
"""Left and right; the fluid that is gained around the third ventricle and the temporal horns gets their labels."""

GROWING = (4, 43, 5, 44, 14)
GROWING_SIDES = ((43, 44), (4, 5))
"""Lateral ventricles of the right and of the left."""

CORTEX = (3, 42)

PATCH_STEP = 10
"""Voxels between the lattice points of the noise that says which sulci are wide."""


def widened(labels: Labels, ventricles: int, sulci: float, rng: np.random.Generator) -> Labels:
    """Labels (I, J, K) with ventricles wider by some voxels, and sulci wider in a share of the cortex (see `Look`)."""
    brain = member_table(BRAIN)[labels]
    if not (ventricles or sulci) or not brain.any():
        return labels
    out = labels.copy()
    box = _bounds(brain)
    inner = out[box]
    if ventricles:
        _widen_ventricles(inner, ventricles)
    if sulci:
        _widen_sulci(inner, sulci, rng)
    return out


def widened_sides(labels: Labels, steps: tuple[int, int]) -> Labels:
    """Labels (I, J, K) whose right and left lateral ventricles are wider by some voxels each."""
    out = labels
    for members, count in zip(GROWING_SIDES, steps, strict=True):
        held = member_table(members)[out]
        if not count or not held.any():
            continue
        out = out.copy() if out is labels else out
        _widen_ventricles(out[_bounds(held, count)], count, members)
    return out


def _widen_ventricles(labels: Labels, steps: int, growing: tuple[int, ...] = GROWING) -> None:
    """Cerebrum around the ventricles becomes ventricle, in place."""
    members = member_table(growing)[labels]
    before = members.copy()
    allowed = member_table((*LEFT_CEREBRUM, *RIGHT_CEREBRUM, 28, 60))[labels]
    for step in range(steps):
        members |= _neighbours(members, diagonal=step % 2 == 1) & allowed
    gained = np.nonzero(members & ~before)
    left = member_table(LEFT)[labels[gained]]
    labels[gained] = np.where(left, *LATERAL_VENTRICLES)


def _widen_sulci(labels: Labels, share: float, rng: np.random.Generator) -> None:
    """Cortex next to fluid becomes fluid, in place, in patches that make up a share of the whole."""
    border = np.nonzero(_neighbours(labels == CSF, diagonal=False) & member_table(CORTEX)[labels])
    if not len(border[0]):
        return
    noise = smooth_noise(labels.shape, rng, PATCH_STEP)[border]
    chosen = noise <= np.quantile(noise, share)
    labels[tuple(axis[chosen] for axis in border)] = CSF


def _neighbours(mask: Mask, diagonal: bool) -> Mask:
    """The mask and the voxels next to it, by way of a face, or in each plane of the last two axes by way of an edge."""
    out = mask.copy()
    base = mask
    for axis in range(mask.ndim):
        if diagonal and axis == mask.ndim - 1:
            base = out.copy()
        ahead, behind = ([slice(None)] * mask.ndim for _ in range(2))
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        out[tuple(ahead)] |= base[tuple(behind)]
        out[tuple(behind)] |= base[tuple(ahead)]
    return out


def _bounds(mask: Mask, margin: int = 1) -> tuple[slice, ...]:
    """The box around a mask that is not empty, by default one voxel wider on each side where the grid allows."""
    box = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(max(int(hit[0]) - margin, 0), int(hit[-1]) + margin + 1))
    return tuple(box)
