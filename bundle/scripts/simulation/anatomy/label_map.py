"""One person's head as a map of labels, made ready to be drawn from.

An *anatomy* is a label map whose axes run along +R, +A and +S (roughly), with the affine from voxels to the person's
own RAS millimetres. *Preparing* a map removes specks outside the head, fills holes, adds tissues that the map leaves
out, and crops it to the head with a border of one voxel: air on five sides and `UNCOVERED` below, so that a position
outside the array has the label of the nearest border voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...errors import WrongUsage
from ...geometry.affines import transform_points
from .labels import (
    AIR,
    BRAIN,
    CEREBELLUM,
    CSF,
    EYEBALL,
    FALX,
    INTRACRANIAL,
    LEFT_CEREBRUM,
    OPTIC_NERVE,
    ORBITAL_FAT,
    RIGHT_CEREBRUM,
    SOFT_TISSUE,
    STRUCTURES,
    TABLE_SIZE,
    TENTORIUM,
    UNCOVERED,
    member_table,
)

SUFFIXES = (".nii.gz", ".nii")
"""Suffixes of label maps."""

SPECK_VOXELS = 200
"""Holes of label 0 up to this size are gaps in the map, larger ones air-filled sinuses."""

ORBIT_MM = 11.0
"""Soft tissue closer than this to the eyeball or the optic nerve is drawn as orbital fat."""

DURA_REACH_MM = 6.0
"""Falx and tentorium are looked for in fluid no farther than this from the tissue on both sides."""

DURA_HALF_MM = 0.8
"""Half the thickness of falx and tentorium as drawn, before blurring."""


STRUCTURE_POINTS, HEAD_POINTS = 200, 6000
"""Numbers of voxels that represent a structure, and the whole head, when a drawn head is aligned and framed."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """A label map, int16 (I, J, K), axes along +R, +A, +S, and its affine (4, 4), voxel to RAS mm."""

    labels: NDArray[np.int16]
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Raises ValueError where the array is not three-dimensional or its axes are not along +R, +A and +S."""
        if self.labels.ndim != 3:
            raise ValueError(f"a label map has three axes, got shape {self.labels.shape}; pass a single volume")
        directions = self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)
        if not np.all(np.diag(directions) > 0.7):
            raise ValueError(
                f"the axes of a label map must run along +R, +A, +S, got directions {directions.round(2).tolist()}; "
                "reorient the map first"
            )

    @cached_property
    def centroids(self) -> NDArray[np.float64]:
        """Centroids (29, 3), RAS mm, of `labels.STRUCTURES`; NaN where a structure is absent."""
        return centroids(self.labels, self.affine)

    @cached_property
    def structure_points(self) -> tuple[NDArray[np.float64], ...]:
        """For each of `labels.STRUCTURES` up to 200 of its voxels, as RAS mm (n, 3), moved to have its centroid."""
        chosen = [self._points(np.flatnonzero(self.labels == label), STRUCTURE_POINTS) for label in STRUCTURES]
        return tuple(
            points + centre - points.mean(axis=0) if len(points) else points
            for centre, points in zip(self.centroids, chosen, strict=True)
        )

    @cached_property
    def head_points(self) -> NDArray[np.float64]:
        """Voxels all over the head, evenly chosen, as RAS mm (n, 3)."""
        return self._points(np.flatnonzero(self.labels > AIR), HEAD_POINTS)

    def _points(self, indices: NDArray[np.intp], count: int) -> NDArray[np.float64]:
        chosen = indices[np.linspace(0, max(indices.size - 1, 0), min(count, indices.size)).astype(int)]
        voxels = np.stack(np.unravel_index(chosen, self.labels.shape), axis=1)
        return transform_points(self.affine, voxels)


def centroids(labels: NDArray[np.int16], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centroids (29, 3), RAS mm, of `labels.STRUCTURES` in a label map; NaN where a structure is absent."""
    table = np.zeros(TABLE_SIZE, dtype=np.int8)
    table[list(STRUCTURES)] = np.arange(1, len(STRUCTURES) + 1)
    flat = np.flatnonzero(table[labels])
    which = table[labels.ravel()[flat]] - 1
    voxels = np.unravel_index(flat, labels.shape)
    count = np.bincount(which, minlength=len(STRUCTURES))
    sums = np.stack([np.bincount(which, weights=axis, minlength=len(STRUCTURES)) for axis in voxels], axis=1)
    means = np.divide(sums, count[:, None], out=np.full_like(sums, np.nan), where=count[:, None] > 0)
    return transform_points(affine, means)


def prepare(labels: NDArray[np.int16], affine: NDArray[np.float64]) -> Anatomy:
    """An anatomy from a raw label map, int16 (I, J, K) with axes along +R, +A, +S, and its affine (4, 4) in mm.

    Raises:
        ValueError: the map is empty, or its axes are not along +R, +A, +S.
    """
    raw = Anatomy(labels, affine)
    if not raw.labels.any():
        raise ValueError("the label map is empty; it must be a complete head")
    box = ndimage.find_objects(_largest(raw.labels > 0).astype(np.int8))[0]
    head = np.where(_largest(raw.labels[box] > 0), raw.labels[box], AIR).astype(np.int16)
    head = np.pad(head, 1)
    head = _with_dura(_with_orbital_fat(_without_holes(head), affine), affine)
    head[:, :, 0] = UNCOVERED
    corner = np.array([s.start - 1 for s in box])
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ corner
    return Anatomy(head, moved)


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected component of a mask."""
    components, _ = ndimage.label(mask)
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    largest: NDArray[np.bool_] = components == sizes.argmax()
    return largest


def _without_holes(labels: NDArray[np.int16]) -> NDArray[np.int16]:
    """Small holes filled: with fluid next to the brain, else with soft tissue."""
    components, count = ndimage.label(labels == AIR)
    small = np.bincount(components.ravel(), minlength=count + 1) <= SPECK_VOXELS
    small[0] = False
    holes = small[components]
    near_brain = ndimage.uniform_filter(member_table(INTRACRANIAL)[labels].astype(np.float32), 5) > 0.3
    return np.where(holes, np.where(near_brain, CSF, SOFT_TISSUE), labels).astype(np.int16)


def _with_orbital_fat(labels: NDArray[np.int16], affine: NDArray[np.float64]) -> NDArray[np.int16]:
    """Soft tissue around the eyeballs and behind them turned into fat."""
    eyes = member_table((EYEBALL, OPTIC_NERVE))[labels]
    if not eyes.any():
        return labels
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    grown = [int(np.ceil(ORBIT_MM / s)) + 1 for s in spacing]
    found = ndimage.find_objects(eyes.astype(np.int8))[0]
    box = tuple(slice(max(s.start - g, 0), s.stop + g) for s, g in zip(found, grown, strict=True))
    near = ndimage.distance_transform_edt(~eyes[box], sampling=spacing) < ORBIT_MM
    out = labels.copy()
    out[box][near & (labels[box] == SOFT_TISSUE)] = ORBITAL_FAT
    return out


def _with_dura(labels: NDArray[np.int16], affine: NDArray[np.float64]) -> NDArray[np.int16]:
    """Falx and tentorium drawn into the fluid half-way between the hemispheres, and between cerebrum and cerebellum."""
    brain = member_table(BRAIN)[labels]
    if not brain.any():
        return labels
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    box = ndimage.find_objects(brain.astype(np.int8))[0]
    inner = labels[box]
    left, right, below = (_distance(inner, members, spacing) for members in (LEFT_CEREBRUM, RIGHT_CEREBRUM, CEREBELLUM))
    cerebrum = np.minimum(left, right)
    fluid = inner == CSF
    out = labels.copy()
    out[box][fluid & _between(left, right) & (cerebrum < below)] = FALX
    out[box][fluid & _between(cerebrum, below)] = TENTORIUM
    return out


def _distance(labels: NDArray[np.int16], members: tuple[int, ...], spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    """Distance of each voxel to the nearest voxel of the labels in `members`, mm."""
    mask = member_table(members)[labels]
    if not mask.any():
        return np.full(labels.shape, np.inf, dtype=np.float32)
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing), dtype=np.float32)


def _between(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Voxels half-way between two structures and near both."""
    near = (one < DURA_REACH_MM) & (other < DURA_REACH_MM)
    return np.asarray(near & (np.abs(np.where(near, one, 0) - np.where(near, other, 0)) <= 2 * DURA_HALF_MM))


def anatomy_paths(folder: Path) -> list[Path]:
    """The label maps in a folder, by name.

    Raises:
        WrongUsage: there is no such folder, or no NIfTI file in it.
    """
    found = sorted(path for path in folder.glob("*") if path.name.endswith(SUFFIXES))
    if not found:
        raise WrongUsage(f"There is no label map (*.nii.gz) in {folder}. Give the folder that holds the anatomies.")
    return found


def load_anatomy(path: Path) -> Anatomy:
    """The prepared anatomy in a NIfTI file of any orientation.

    Raises:
        WrongUsage: there is no such file.
        ValueError: the file holds no volume of integers, or an empty one.
    """
    if not path.is_file():
        raise WrongUsage(f"There is no file {path}. Give a label map of a whole head (.nii.gz).")
    import nibabel

    image = nibabel.as_closest_canonical(nibabel.load(path))
    values = np.asarray(image.dataobj)
    labels = values.astype(np.int16)
    if not np.array_equal(labels, values):
        raise ValueError(f"{path.name} is not a label map: its values are no whole numbers between -32768 and 32767")
    return prepare(labels, np.asarray(image.affine, dtype=np.float64))
