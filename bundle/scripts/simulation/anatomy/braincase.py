"""The braincase of a label map: where the inner table is, which half is left, and where a ray leaves the skull.

*Labels* (`labels.py`) lie on a grid whose axes run along +R, +A and +S: the patient's left is the smaller first index.
*Grid millimetres* are voxel indices times the spacing. The *mid-plane* is the plane that best tells the voxels of the
left hemisphere from those of the right one, by least squares on +1 and -1. A *direction* is a unit vector from the
centre of the brain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .labels import BONE, INTRACRANIAL, LATERAL_VENTRICLES, LEFT_CEREBRUM, RIGHT_CEREBRUM, member_table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Labels = NDArray[np.integer]

SIDES = ("left", "right")

MIDDLE, BOTH = "middle", "both"
"""Where a lesion can be instead of on one side."""

MIDLINE_MARGIN_MM = 12.0
"""Largest distance of a tilted mid-plane from the first index of the brain's centre."""

RAY_STEP_MM = 0.5
RAY_LENGTH_MM = 160.0
"""Longer than any ray from the middle of a brain to the outside of its head."""


def labelled(labels: Labels, wanted: tuple[int, ...]) -> Mask:
    """True where `labels` is one of `wanted`."""
    found: Mask = member_table(wanted)[labels]
    return found


@dataclass(frozen=True, eq=False)
class Braincase:
    """A label map (I, J, K) with its voxel size and what lesions need to know of it.

    Raises:
        ValueError: no cerebrum on one side, or the left one lies to the right of the right one.
    """

    labels: Labels
    spacing_mm: Array
    centre_mm: Array = field(init=False)
    _to_right: Array = field(init=False)

    def __post_init__(self) -> None:
        points, sides = [], []
        for name, sign, wanted in (("left", -1.0, LEFT_CEREBRUM), ("right", 1.0, RIGHT_CEREBRUM)):
            thinned = labelled(self.labels[::2, ::2, ::2], wanted)
            if not thinned.any():
                raise ValueError(f"the label map holds no {name} cerebrum (labels {wanted}): is it a FreeSurfer map?")
            points.append(np.argwhere(thinned) * 2.0 * self.spacing_mm)
            sides.append(np.full(len(points[-1]), sign))
        if points[0][:, 0].mean() >= points[1][:, 0].mean():
            raise ValueError("the left cerebrum lies at larger first indices than the right one: reorder to RAS axes")
        object.__setattr__(self, "centre_mm", (points[0].mean(axis=0) + points[1].mean(axis=0)) / 2)
        design = np.concatenate(points) - self.centre_mm
        weights = np.array([1 / len(p) for p in points]).repeat([len(p) for p in points]) ** 0.5
        solution = np.linalg.lstsq(
            np.c_[design, np.ones(len(design))] * weights[:, None], np.concatenate(sides) * weights, rcond=None
        )[0]
        object.__setattr__(self, "_to_right", solution / np.linalg.norm(solution[:3]))

    @cached_property
    def intracranial(self) -> Mask:
        """Brain and CSF (I, J, K), the spinal canal included."""
        return labelled(self.labels, INTRACRANIAL)

    @cached_property
    def septum_mm(self) -> Array:
        """Grid millimetres (3,) from the centre of the brain of the point between the lateral ventricles."""
        points = []
        for label in LATERAL_VENTRICLES:
            found = np.argwhere(self.labels == label)
            if not len(found):
                return np.zeros(3)
            points.append(found.mean(axis=0) * self.spacing_mm - self.centre_mm)
        return np.asarray((points[0] + points[1]) / 2)

    @cached_property
    def bone(self) -> Mask:
        """Bone (I, J, K), that of the face included."""
        return labelled(self.labels, BONE)

    def half_box(self, side: str) -> tuple[slice, ...]:
        """The block of the grid around the brain on one side of its centre, with a margin across the mid-plane.

        It is that around the whole brain for the side `MIDDLE`.
        """
        rows, *others = block_around(self.intracranial, 3)
        if side == MIDDLE:
            return rows, *others
        middle, margin = (int(mm / self.spacing_mm[0]) for mm in (self.centre_mm[0], MIDLINE_MARGIN_MM))
        half = slice(rows.start, middle + margin) if side == "left" else slice(max(middle - margin, 0), rows.stop)
        return half, *others

    def offsets_mm(self, box: tuple[slice, ...]) -> Array:
        """Grid millimetres from the centre of the brain (i, j, k, 3) of the voxels of a block."""
        axes = [
            np.arange(side.start, side.stop) * mm - centre
            for side, mm, centre in zip(box, self.spacing_mm, self.centre_mm, strict=True)
        ]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)

    def lateral_mm(self, offsets_mm: Array, side: str) -> Array:
        """Distance (...) from the mid-plane of offsets (..., 3) from the centre, positive on `side`."""
        to_right: Array = offsets_mm @ self._to_right[:3] + self._to_right[3]
        return to_right if side == "right" else -to_right

    def mirrored(self, offsets_mm: Array) -> Array:
        """Mirror images in the mid-plane (..., 3) of offsets from the centre."""
        reflected: Array = offsets_mm - 2 * self.lateral_mm(offsets_mm, "right")[..., None] * self._to_right[:3]
        return reflected

    def direction(self, side: str, azimuth_deg: float, elevation_deg: float) -> Array:
        """Unit vector (3,) to `side`: azimuth 0 is lateral, 90 anterior; elevation 90 is superior."""
        azimuth, elevation = np.deg2rad([azimuth_deg, elevation_deg])
        lateral = np.cos(azimuth) * np.cos(elevation) * (1 if side == "right" else -1)
        return np.array([lateral, np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])

    def along_ray(self, volume: NDArray[np.generic], direction: Array) -> NDArray[np.generic]:
        """Values of `volume` (I, J, K), nearest voxel, each `RAY_STEP_MM` from the centre on; the edge's outside."""
        steps_mm = np.arange(0, RAY_LENGTH_MM, RAY_STEP_MM)[:, None] * direction
        index = np.rint((self.centre_mm + steps_mm) / self.spacing_mm).astype(int)
        i, j, k = np.clip(index, 0, np.array(volume.shape) - 1).T
        values: NDArray[np.generic] = volume[i, j, k]
        return values

    def tables_mm(self, direction: Array) -> tuple[float, float]:
        """Distances from the centre to the inner and the outer table of the skull in one direction.

        Raises:
            ValueError: there is no bone that way.
        """
        bone = np.flatnonzero(self.along_ray(self.bone, direction))
        inside = np.flatnonzero(self.along_ray(self.intracranial, direction))
        beyond = bone[bone > inside[-1]] if len(inside) else bone
        if not len(beyond):
            raise ValueError(f"the label map has no bone in direction {np.round(direction, 2).tolist()} of the brain")
        return float(beyond[0] * RAY_STEP_MM), float(beyond[-1] * RAY_STEP_MM)


def block_around(mask: Mask, margin: int) -> tuple[slice, ...]:
    """The block of the grid that holds `mask` and `margin` voxels around it.

    Raises:
        ValueError: `mask` is empty.
    """
    if not mask.any():
        raise ValueError("the mask is empty, so no block of the grid holds it")
    sides = []
    for axis in range(mask.ndim):
        filled = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        sides.append(slice(max(int(filled[0]) - margin, 0), min(int(filled[-1]) + 1 + margin, mask.shape[axis])))
    return tuple(sides)
