"""The bone series beside a soft one: whether it may serve the skull, by its headers and by its voxels.

A *bone series* is an original, axial stack with a bone kernel. Of a study with a soft series, the soft one is
registered and serves the brain; the bone one serves the skull, by its own geometry. It only may if it belongs to the
same study and frame of reference, so that patient coordinates relate the two, and if its slices are not much thicker.
Frames of reference outlive a patient's movement between two acquisitions. So the voxels are compared, too.

*Blocks* are of whole voxels of the soft volume; the bone volume is averaged over the same places. The *bone signal* is
HU clipped to `BONE_RANGE_HU`, so that only the skull counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..findings import PASSING, Finding, InputRefused, finding
from ..geometry.affines import transform_points
from ..volume import Volume
from .series import BONE_KERNEL, Stack, best_of
from .stacks import stack_volume

THICK_MM = 3.0
"""Slices up to this distance show lines of the skull well; a bone series with thicker ones is only used if the soft
one's are no thinner."""

BLOCK_MM, BONE_RANGE_HU = 4.0, (100.0, 1000.0)

DENSE_HU = 400.0
"""Blocks of the soft volume with more than this are of bone."""

UPPER_MM = 130.0
"""Height below the highest bone that is compared: the calvaria, without jaw and neck."""

LEAST_SHARE, LEAST_CORRELATION = 0.9, 0.7
"""Least share of the soft volume's bone in the bone series' field of view, and least correlation of bone signals: below
that of a head that moved by 3 to 4 mm, as much as a registration may err."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of a bone volume with a soft one: `share` of its upper bone in view, `correlation` of signals there."""

    share: float
    correlation: float

    @property
    def problem(self) -> str:
        """A sentence on why the bone volume can't serve the skull; empty if it can."""
        if self.share < LEAST_SHARE:
            return f"A bone series holds {100 * self.share:.0f} % of the skull only."
        if self.correlation < LEAST_CORRELATION:
            return f"The skull in a bone series lies elsewhere (correlation {self.correlation:.2f})."
        return ""


def unused(text: str) -> Finding:
    """The flag that a bone series of the study does not serve the skull."""
    return finding("bone_series_unused", text)


def bone_beside(stacks: list[Stack], soft: Stack) -> tuple[Stack | None, tuple[Finding, ...]]:
    """The bone series that may serve the skull beside a soft one, None if there is none; and a flag where one may not.

    Stacks with few slices or little coverage are no candidates. Of several good ones the best serves, by the rules of
    `series`; of equally good ones the first by its UID.
    """
    found = [s for s in stacks if s.kind == "image" and s.objections == (BONE_KERNEL,) and s.whole]
    same = [stack for stack in found if frame_of(stack) == frame_of(soft)]
    if found and not same:
        return None, (unused("A bone series belongs to another study or frame of reference."),)
    limit = max(THICK_MM, soft.spacing_mm or 0.0) * 1.1
    thin = [stack for stack in same if (stack.spacing_mm or np.inf) <= limit]
    if same and not thin:
        return None, (unused("The slices of a bone series are thicker than those of the soft one."),)
    return (min(best_of(thin), key=lambda stack: stack.first.series_uid) if thin else None), ()


def frame_of(stack: Stack) -> tuple[object, ...]:
    """The facts that two series must share: patient, study and frames of reference, "" where not stated."""
    return stack.first.patient, stack.first.study_uid, tuple(sorted({image.frame_uid for image in stack.images}))


def bone_volume(stack: Stack, soft: Volume) -> tuple[Volume | None, tuple[Finding, ...]]:
    """The volume of a bone series that fits a soft one; None, and a flag, if it is refused or does not fit.

    Raises:
        InputRefused: it may be within reach the next time.
    """
    try:
        volume = stack_volume(stack)
    except InputRefused as refused:
        if refused.code in PASSING:
            raise
        return None, (unused(f"A bone series can't be read ({', '.join(f.code for f in refused.findings)})."),)
    problem = agreement(soft, volume).problem
    return (None, (unused(problem),)) if problem else (volume, ())


def agreement(soft: Volume, bone: Volume) -> Agreement:
    """The agreement of the bone volume with the soft one, where the soft one has bone."""
    size = block_size(soft.affine, bone.affine)
    shape = tuple(-(-count // block) for count, block in zip(soft.hu.shape, size, strict=True))
    to_block = np.diag([*(1 / block for block in size), 1.0])
    to_block[:3, 3] = [0.5 / block for block in size]
    to_block = to_block @ np.linalg.inv(soft.affine)
    (usual, _), (sharp, there) = means(soft, to_block, shape), means(bone, to_block, shape)
    dense = np.argwhere(usual >= DENSE_HU)
    if not len(dense):
        return Agreement(0.0, 0.0)
    places_mm = transform_points(np.linalg.inv(to_block), dense + 0.5)
    upper = places_mm[:, 2] >= places_mm[:, 2].max() - UPPER_MM
    share = float(in_view(bone, places_mm[upper]).mean())
    near = np.zeros(shape, bool)
    near[tuple(dense[upper].T)] = True
    for axis in range(3):  # the surroundings, too: bone must not be where the soft volume has none
        near |= np.roll(near, 1, axis) | np.roll(near, -1, axis)
    both = near & there
    if not both.any():
        return Agreement(share, 0.0)
    signals = np.clip(np.stack([usual[both], sharp[both]]), *BONE_RANGE_HU)
    varied = bool((signals.std(axis=1) > 0).all())
    return Agreement(share, float(np.asarray(np.corrcoef(signals))[0, 1]) if varied else 0.0)


def block_size(soft: NDArray[np.float64], bone: NDArray[np.float64]) -> list[int]:
    """Voxels of a soft grid along each axis of a block: `BLOCK_MM`, or as much as two voxels of the bone grid take."""
    steps_mm = np.linalg.norm(soft[:3, :3], axis=0)
    along_mm = np.abs((soft[:3, :3] / steps_mm).T @ bone[:3, :3]).max(axis=1)
    return [max(1, round(float(n))) for n in np.maximum(BLOCK_MM, 2 * along_mm) / steps_mm]


def in_view(volume: Volume, points_mm: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True where world points (n, 3), mm, lie in the volume's field of view."""
    index = np.rint(transform_points(np.linalg.inv(volume.affine), points_mm)).astype(int)
    inside: NDArray[np.bool_] = np.asarray(((index >= 0) & (index < volume.hu.shape)).all(axis=1))
    if volume.valid is not None:
        inside[inside] = volume.valid[tuple(index[inside].T)]
    return inside


def means(
    volume: Volume, to_block: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Mean HU of a volume's voxels in each block of `shape`, 0 where there are none, and where there are some.

    Of fine voxels, every second or third along a row and along a column is taken. `to_block` (4, 4) leads from world mm
    to blocks: a point lies in the block of the rounded-down result.
    """
    total, count = np.zeros(int(np.prod(shape))), np.zeros(int(np.prod(shape)))
    i, j = (
        np.arange(0, n, max(1, int(BLOCK_MM / 3 / step)))
        for n, step in zip(volume.hu.shape[:2], np.linalg.norm(volume.affine[:3, :2], axis=0), strict=True)
    )
    plane = np.stack(np.meshgrid(i, j, 0, indexing="ij"), axis=-1)[:, :, 0]
    first = transform_points(to_block @ volume.affine, plane)
    for k in range(volume.hu.shape[2]):
        places = np.floor(first + k * (to_block @ volume.affine)[:3, 2]).astype(int)
        inside: NDArray[np.bool_] = np.asarray(((places >= 0) & (places < shape)).all(axis=-1))
        if volume.valid is not None:
            inside &= volume.valid[:, :, k][np.ix_(i, j)]
        flat = np.ravel_multi_index(tuple(places[inside].T), shape)
        total += np.bincount(flat, volume.hu[:, :, k][np.ix_(i, j)][inside], len(total))
        count += np.bincount(flat, minlength=len(count))
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0).reshape(shape), (count > 0).reshape(shape)
