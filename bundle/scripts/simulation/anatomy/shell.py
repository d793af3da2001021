"""The shell of a head: distances of brain, skull and scalp from its middle in each direction, and changes of them.

A *direction* is given by its azimuth (0 right, 90 anterior, 180 left) and its elevation (90 superior), seen from the
middle of the space inside the skull; a *table* (180, 91) holds a value for every 2 degrees of both. The *inner table*,
the *outer table* and the *skin* are distances along it, mm. A *change* describes the layers after it: the brain
shrinks and leaves fluid, or bulges; bone gets thicker or thinner, or is missing; fluid collects under the scalp.

`remodelled` moves labels along the directions by a piecewise linear map of distances, layer by layer, so that gyri,
bone and scalp are pushed along and not cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .labels import AIR, BONE, CSF, INTRACRANIAL, SINUS, SOFT_TISSUE, SWELLING, UNCOVERED, member_table

Array = NDArray[np.float64]
Labels = NDArray[np.int16]

STEP_DEG = 2
AZIMUTHS, ELEVATIONS = 360 // STEP_DEG, 180 // STEP_DEG + 1

FINE = 4
"""Fine directions per step of a table; the map of distances is looked up at the nearest fine direction."""

RAY_MM, RAY_STEP_MM, LOWEST_DEG = (30.0, 140.0), 1.0, -40
"""Range and step of the search for layers along a direction, and its lowest elevation; lower ones copy that."""

DEEPEST_BONE_MM = 20.0
"""Distance outside the inner table beyond which bone belongs to the face."""

STILL_SHARE = 0.5
"""Share of the distance to the inner table within which nothing moves."""

LEAST_CHANGE_MM = 0.2
"""Smallest movement, mm, for which the labels of a direction change."""

NOWHERE_MM = 1e4
"""A distance beyond every head, used as the start of the change in unchanged directions."""

BLOCK = 4
"""Side, in voxels, of the blocks that are tested before single voxels."""

COLLAPSED_MM = 1.5
"""Thickness of the tissue that replaces missing bone between dura and scalp."""


@dataclass(frozen=True, eq=False)
class Shell:
    """The middle (3,), a voxel position, and tables (180, 91), mm: inner table, outer table, skin."""

    middle: Array
    inner: Array
    outer: Array
    skin: Array


class Change(NamedTuple):
    """A change of the shell, as tables (180, 91): lengths in mm, positive outward.

    Attributes:
        fluid: gained thickness between brain and inner table.
        bulge: outward movement of the brain and everything outside it.
        bone: factor on the thickness of bone.
        missing: true where bone is missing.
        swelling: thickness collected between bone and scalp.
        scalp: factor on the thickness of the scalp.
    """

    fluid: Array
    bulge: Array
    bone: Array
    missing: NDArray[np.bool_]
    swelling: Array
    scalp: Array


def no_change() -> Change:
    """The change that leaves everything as it is."""
    zero, one = np.zeros((AZIMUTHS, ELEVATIONS)), np.ones((AZIMUTHS, ELEVATIONS))
    return Change(zero, zero, one, zero.astype(bool), zero, one)


def directions() -> Array:
    """Unit vectors (180, 91, 3) of the directions of a table."""
    azimuth = np.deg2rad(STEP_DEG * np.arange(AZIMUTHS))[:, None]
    elevation = np.deg2rad(STEP_DEG * np.arange(ELEVATIONS) - 90.0)[None, :]
    flat = np.cos(elevation)
    return np.stack(np.broadcast_arrays(np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)), axis=-1)


def direction(azimuth_deg: float, elevation_deg: float) -> Array:
    """The unit vector (3,) of one direction."""
    azimuth, elevation = np.deg2rad((azimuth_deg, elevation_deg))
    return np.array([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])


def bump(azimuth_deg: float, elevation_deg: float, width_deg: float) -> Array:
    """A table (180, 91) that is 1 in a direction and falls off as a Gaussian of the angle from it."""
    cosine = directions() @ direction(azimuth_deg, elevation_deg)
    return np.asarray(np.exp(-0.5 * (np.arccos(np.clip(cosine, -1, 1)) / np.deg2rad(width_deg)) ** 2))


def uneven(width_deg: float, rng: np.random.Generator, waves: int = 16) -> Array:
    """A table (180, 91) of smooth noise, deviation about 1, grain about `width_deg`."""
    waving = rng.standard_normal((waves, 3)) / np.deg2rad(width_deg)
    phases = rng.uniform(0, 2 * np.pi, waves)
    return np.asarray(np.sqrt(2 / waves) * np.cos(directions() @ waving.T + phases).sum(axis=-1))


def rising(lowest_deg: Array, over_deg: float) -> Array:
    """A table (180, 91): 0 below an elevation per azimuth (180,), rising to 1 over `over_deg` above it."""
    elevation = STEP_DEG * np.arange(ELEVATIONS) - 90.0
    share = np.clip((elevation[None, :] - lowest_deg[:, None]) / over_deg, 0, 1)
    return np.asarray(share**2 * (3 - 2 * share))


def calvaria() -> Array:
    """A table (180, 91) that is 1 over the calvaria and falls to 0 toward orbits, ears and neck."""
    azimuth = np.deg2rad(STEP_DEG * np.arange(AZIMUTHS))
    return rising(-6 + 16 * np.sin(azimuth), 16.0)


def shell_of(labels: Labels) -> Shell:
    """The shell of a label map (I, J, K) of 1 mm voxels, axes along +R, +A, +S.

    Raises:
        ValueError: there is nothing inside the skull.
    """
    coarse = np.argwhere(member_table(INTRACRANIAL)[labels[::4, ::4, ::4]])
    if not len(coarse):
        raise ValueError("the label map has no space inside the skull, so its shell has no middle")
    middle = 4.0 * coarse.mean(axis=0)
    distances = np.arange(*RAY_MM, RAY_STEP_MM, dtype=np.float32)
    out = directions().astype(np.float32)[:, (90 + LOWEST_DEG) // STEP_DEG :]
    index = np.zeros((*out.shape[:2], len(distances)), dtype=np.int32)
    for axis, size in enumerate(labels.shape):
        along = (np.float32(middle[axis] + 0.5) + out[..., axis : axis + 1] * distances).astype(np.int32)
        index = index * size + np.clip(along, 0, size - 1, out=along)
    found = labels.ravel()[index]
    inner = _last(member_table((*INTRACRANIAL, SINUS))[found], distances)
    near = distances < inner[..., None] + DEEPEST_BONE_MM
    outer = np.maximum(_last(member_table(BONE)[found] & near, distances), inner)
    skin = np.maximum(_last(found > AIR, distances), outer)
    smooth = (ndimage.gaussian_filter(table, 0.8, mode=("wrap", "nearest")) for table in (inner, outer, skin))
    return Shell(middle, *(np.pad(table, ((0, 0), (ELEVATIONS - table.shape[1], 0)), mode="edge") for table in smooth))


def _last(held: NDArray[np.bool_], distances: NDArray[np.floating]) -> Array:
    """The outer end, mm, of the last True sample along each ray; the ray's start if there is none."""
    reached = held.shape[-1] - 1 - held[..., ::-1].argmax(axis=-1)
    return np.asarray(np.where(held.any(axis=-1), distances[reached] + RAY_STEP_MM / 2, distances[0]))


def layers(shell: Shell, change: Change) -> tuple[Array, Array]:
    """Inner limits of the layers in a changed head and in the unchanged one: distances (7, 180, 91) each, mm.

    The layers, from the middle: unmoved core, brain, gained fluid, bone, swelling, scalp, and the outside.
    """
    still = STILL_SHARE * shell.inner
    bone, scalp = shell.outer - shell.inner, shell.skin - shell.outer
    thickness = np.where(change.missing, np.minimum(COLLAPSED_MM, bone), bone * change.bone)
    inner = shell.inner + change.bulge
    outer = inner + thickness
    skin = outer + change.swelling + scalp * change.scalp
    after = np.stack([np.zeros_like(inner), still, inner - change.fluid, inner, outer, outer + change.swelling, skin])
    before = np.stack([np.zeros_like(inner), still, shell.inner, shell.inner, shell.outer, shell.outer, shell.skin])
    return after, before


def changed(shell: Shell, change: Change) -> Shell:
    """The shell after a change."""
    after, _ = layers(shell, change)
    return Shell(shell.middle, after[3], after[4], after[6])


def growth_mm(shell: Shell, change: Change) -> float:
    """Largest outward movement of the skin, mm."""
    after, before = layers(shell, change)
    return float((after[-1] - before[-1]).max())


def remodelled(labels: Labels, shell: Shell, change: Change) -> Labels:
    """Labels (I, J, K) after a change of their shell; uncovered voxels stay uncovered.

    Fluid gained beneath the skull becomes `CSF`, swelling on it `SWELLING`, and missing bone soft tissue.
    """
    after, before = layers(shell, change)
    moves = (np.abs(after - before) > LEAST_CHANGE_MM).any(axis=0) | change.missing
    if not moves.any():
        return labels
    first = np.where(np.abs(after - before)[1:4].max(axis=0) > LEAST_CHANGE_MM, after[1], shell.inner - 2)
    last = np.maximum(after[6], shell.skin) + 2
    place, distance, nearest = _reached(labels.shape, shell.middle, np.where(moves, first, NOWHERE_MM), last)
    layer, source = _sources(distance, nearest, after, before)
    found = labels.ravel()[_along(place, labels.shape, shell.middle, source / distance)]
    found = _settled(found, layer, _fine(change.missing)[nearest] > 0.5)
    out = labels.copy()
    flat = out.reshape(-1)
    known = flat[place] != UNCOVERED
    flat[place[known]] = found[known]
    return out


def _reached(
    shape: tuple[int, ...], middle: Array, first: Array, last: Array
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int32]]:
    """Voxels between two distances per direction: flat indices, distances from the middle, fine directions."""
    place = np.flatnonzero(_blocks_between(shape, middle, first, last)).astype(np.int64, copy=False)
    distance, nearest = _polar(place, shape, middle)
    chosen = np.flatnonzero((distance > _fine(first)[nearest]) & (distance < _fine(last)[nearest]))
    return place[chosen], distance[chosen], nearest[chosen]


def _blocks_between(shape: tuple[int, ...], middle: Array, first: Array, last: Array) -> NDArray[np.bool_]:
    """Mask (I, J, K) of all blocks of 4 voxels a side that reach between two distances per direction."""
    counts = tuple(-(-size // BLOCK) for size in shape)
    inner = ndimage.minimum_filter(first, 5, mode=("wrap", "nearest"))
    centre = (middle - (BLOCK - 1) / 2) / BLOCK
    distance, nearest = _polar(np.arange(np.prod(counts)), counts, centre)
    distance *= BLOCK
    outer = ndimage.maximum_filter(last, 5, mode=("wrap", "nearest"))
    near = (distance > _fine(inner)[nearest] - BLOCK) & (distance < _fine(outer)[nearest] + BLOCK)
    wide: NDArray[np.bool_] = near.reshape(counts)
    for axis in range(3):
        wide = wide.repeat(BLOCK, axis=axis)
    return wide[tuple(slice(size) for size in shape)]


def _polar(
    place: NDArray[np.integer], shape: tuple[int, ...], middle: Array
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Distances (n,) from the middle, voxels, and fine directions (n,) of voxels given as flat indices."""
    rest, k = np.divmod(place, shape[2])
    i, j = np.divmod(rest, shape[1])
    x, y, z = (np.arange(n, dtype=np.float32) - np.float32(c) for n, c in zip(shape, middle, strict=True))
    flat = (x**2)[i] + (y**2)[j]
    height = z[k]
    distance = np.maximum(np.sqrt(flat + height**2), np.float32(0.5))
    per_rad = np.float32(180 / np.pi * FINE / STEP_DEG)
    row = np.rint(np.arctan2(y[j], x[i]) * per_rad).astype(np.int32) % (AZIMUTHS * FINE)
    column = np.rint(np.arctan2(height, np.sqrt(flat)) * per_rad).astype(np.int32) + 90 * FINE // STEP_DEG
    return distance, row * ((ELEVATIONS - 1) * FINE + 1) + column


def _sources(
    distance: NDArray[np.float32], nearest: NDArray[np.integer], after: Array, before: Array
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The layer (n,) of each distance after the change, and its source distance (n,) before it."""
    length = np.diff(after, axis=0)
    slope = np.divide(np.diff(before, axis=0), length, out=np.zeros_like(length), where=length > 1e-6)
    slope = np.concatenate([slope, np.ones_like(slope[:1])])
    begin = np.stack([_fine(table) for table in after], axis=1)
    layer = (begin[nearest, 1:] <= distance[:, None]).sum(axis=1)
    which = nearest * len(after) + layer
    rate = np.stack([_fine(table) for table in slope], axis=1).ravel()[which]
    base = np.stack([_fine(table) for table in before], axis=1).ravel()[which]
    return layer, base + rate * (distance - begin.ravel()[which])


def _along(
    place: NDArray[np.int64], shape: tuple[int, ...], middle: Array, ratio: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Flat indices (n,) of the voxels nearest to those at `place`, moved toward the middle by a ratio of distances."""
    rest, k = np.divmod(place, shape[2])
    i, j = np.divmod(rest, shape[1])
    source = np.zeros_like(place)
    for index, size, centre in zip((i, j, k), shape, middle.astype(np.float32), strict=True):
        moved = np.rint((index - centre) * ratio + centre).astype(np.int64)
        source = source * size + np.clip(moved, 0, size - 1)
    return source


def _settled(found: Labels, layer: NDArray[np.int64], missing: NDArray[np.bool_]) -> Labels:
    """Labels (n,) allowed in their layers: bone only in bone and outside; gained layers get CSF or swelling."""
    bone = member_table(BONE)[found]
    found = np.where((layer == 2) | ((layer == 1) & bone), CSF, found)
    found = np.where((layer == 4) | ((layer == 5) & bone), SWELLING, found)
    gone = (layer == 3) & missing & (bone | (found == AIR))
    return np.where(gone | (found == UNCOVERED), SOFT_TISSUE, found).astype(np.int16)


def _fine(table: NDArray[Any]) -> NDArray[np.float32]:
    """A table (180, 91), interpolated linearly to four directions per step along each axis, flat (720 x 361)."""
    rows = np.arange(AZIMUTHS * FINE) / FINE
    low, share = rows.astype(int), (rows % 1)[:, None]
    wide = table[low] * (1 - share) + table[(low + 1) % AZIMUTHS] * share
    columns = np.arange((ELEVATIONS - 1) * FINE + 1) / FINE
    left = np.minimum(columns.astype(int), ELEVATIONS - 2)
    part = columns - left
    return np.asarray((wide[:, left] * (1 - part) + wide[:, left + 1] * part).ravel(), dtype=np.float32)
