"""An analytic head: a head made of ellipsoids, for tests that must know the truth at every point.

The *head frame* is in millimetres, RAS, its origin in the middle of the braincase. A *part* is an ellipsoid
|(p - centre) / radii| <= 1 of one HU value; later parts cover earlier ones. The HU at a point is computed from the
point alone, so the same head can be had on any grid, oblique, flipped or sheared, with no interpolation: what a
resampling should give is `analytic_head` on the resampled grid. Edges are ramps about `EDGE_MM` wide, along the
first-order distance to an ellipsoid, d = k0 (k0 - 1) / k1 with k0 = |q / radii| and k1 = |q / radii^2|, q = p - centre
(Quilez, "Ellipsoid SDF").

No two axes look alike: face and neck break front and back, up and down; the patient's left ear, ventricle and maxillary
sinus are larger than the right ones and air cells fill the right mastoid only, which breaks left and right.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Triple = tuple[float, float, float]
Array = NDArray[np.float64]

EDGE_MM = 1.5
"""Width of the ramp from one part to the next: about the point spread of a head CT."""

AIR_HU = -1000.0
"""Outside of every part."""


class Part(NamedTuple):
    """One ellipsoid of the head: centre and radii in the head frame (mm) and its value (HU)."""

    centre_mm: Triple
    radii_mm: Triple
    hu: float


def _pair(right: Part) -> tuple[Part, Part]:
    """The part on the patient's right and its mirror image on the left."""
    x, y, z = right.centre_mm
    return right, right._replace(centre_mm=(-x, y, z))


HEAD: tuple[Part, ...] = (
    Part((0, -22, -105), (56, 60, 75), 40),  # neck
    Part((0, 38, -70), (62, 58, 52), 40),  # face
    Part((0, 94, -58), (13, 17, 16), 20),  # nose
    Part((70, -8, -45), (9, 17, 25), -20),  # right ear
    Part((-72, -8, -45), (14, 21, 31), -20),  # left ear, larger
    Part((0, 0, 0), (80, 98, 86), -20),  # skin
    Part((0, 0, 0), (78, 96, 84), 40),  # scalp
    Part((0, 52, -80), (40, 34, 12), 900),  # upper jaw
    Part((0, 48, -106), (44, 42, 10), 900),  # lower jaw
    Part((0, 42, -106), (34, 36, 14), 40),  # floor of the mouth
    Part((0, -34, -115), (15, 16, 60), 700),  # cervical spine
    Part((0, -38, -115), (7, 6, 65), 25),  # its canal
    Part((0, 0, 0), (74, 92, 80), 1000),  # outer table
    Part((0, 0, 0), (71.5, 89.5, 77.5), 450),  # cancellous bone
    Part((0, 0, 0), (69.5, 87.5, 75.5), 1000),  # inner table
    Part((0, 0, 0), (67, 85, 73), 8),  # CSF
    Part((0, 0, 2), (65, 83, 69), 38),  # grey matter
    *_pair(Part((30, 2, 16), (25, 66, 38), 29)),  # white matter
    Part((0, -42, -42), (45, 32, 20), 34),  # cerebellum
    Part((0, -18, -45), (13, 14, 30), 31),  # brain stem
    Part((0, 5, 45), (1.5, 60, 24), 55),  # falx
    Part((10, 4, 14), (6, 34, 10), 5),  # right ventricle
    Part((-11, 4, 14), (8, 38, 12), 5),  # left ventricle, larger
    *_pair(Part((14, 12, 4), (8, 16, 9), 38)),  # deep grey matter
    *_pair(Part((34, 60, -46), (17, 18, 15), -80)),  # orbit
    *_pair(Part((34, 67, -46), (12, 12, 12), 8)),  # eye
    Part((0, 62, -66), (11, 24, 18), -600),  # nasal cavity
    Part((0, 87, -14), (14, 4, 8), AIR_HU),  # frontal sinus
    Part((28, 62, -68), (9, 13, 10), AIR_HU),  # right maxillary sinus
    Part((-28, 62, -68), (13, 17, 13), AIR_HU),  # left maxillary sinus, larger
    Part((0, 5, -95), (11, 10, 26), AIR_HU),  # pharynx
    *_pair(Part((44, -20, -52), (18, 20, 14), 900)),  # petrous bone
    Part((52, -30, -54), (8, 10, 9), -700),  # right mastoid cells
)
"""The parts of the healthy head, from the outside in."""


def sphere(centre_mm: Triple, radius_mm: float, hu: float) -> Part:
    """A ball to pass as `lesion`."""
    return Part(centre_mm, (radius_mm, radius_mm, radius_mm), hu)


def _weight(scaled: Array, radii: Array) -> Array:
    """Membership of points (..., 3), in radii of a part from its centre: 1 inside the part, 0 outside."""
    k0_squared = (scaled**2).sum(axis=-1)
    weight: Array = (k0_squared < 1).astype(float)
    margin = EDGE_MM / radii.min()
    edge = (k0_squared > max(1 - margin, 0) ** 2) & (k0_squared < (1 + margin) ** 2)
    k0, k1 = np.sqrt(k0_squared[edge]), np.sqrt(((scaled[edge] / radii) ** 2).sum(axis=-1))
    weight[edge] = np.clip(0.5 - k0 * (k0 - 1) / np.maximum(k1, 1e-6) / EDGE_MM, 0, 1)
    return weight


def _cover(hu: Array, points_mm: Array, part: Part) -> Array:
    """`hu` (...) with `part` painted over it at `points_mm` (..., 3) of the head frame."""
    radii = np.asarray(part.radii_mm, float)
    weight = _weight((points_mm - np.asarray(part.centre_mm)) / radii, radii)
    return hu + weight * (part.hu - hu)


def hu_at(points_mm: Array, lesion: Part | None = None) -> Array:
    """HU (...) of the analytic head at points (..., 3) of the head frame, in mm."""
    hu = np.full(points_mm.shape[:-1], AIR_HU)
    for part in _parts(lesion):
        hu = _cover(hu, points_mm, part)
    return hu


def analytic_head(
    shape: Sequence[int], affine: Array, lesion: Part | None = None, to_world: Array | None = None
) -> NDArray[np.float32]:
    """The head sampled at the voxel centres of a grid; the same one is computed once, for all modules that want it.

    Args:
        shape: voxels (I, J, K).
        affine: (4, 4), voxel indices to RAS mm; any invertible one, sheared ones too.
        lesion: a part painted over all the others, its centre in the head frame.
        to_world: (4, 4), head frame to world, where the head lies in the scanner; the identity if not given.

    Returns:
        HU (I, J, K).

    Raises:
        ValueError: `shape` is not three positive numbers, or a matrix is not an invertible (4, 4).
    """
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"shape must be three positive numbers of voxels, got {tuple(shape)}")
    to_head = _inverse("to_world", np.eye(4) if to_world is None else to_world) @ np.asarray(affine, float)
    _inverse("affine", to_head)
    return _sampled(tuple(shape), to_head.tobytes(), lesion).copy()


@lru_cache(maxsize=8)
def _sampled(shape: tuple[int, ...], numbers: bytes, lesion: Part | None) -> NDArray[np.float32]:
    """The head on a grid, whose matrix (4, 4) to the head frame is given as what a cache takes."""
    to_head = np.frombuffer(numbers).reshape(4, 4)
    to_voxel = np.linalg.inv(to_head)
    hu = np.full(shape, AIR_HU)
    for part in _parts(lesion):
        rows, *plane = _voxel_box(part, to_voxel, shape)
        for i in range(rows.start, rows.stop):  # plane by plane: the temporaries stay in the processor's cache
            block = (slice(i, i + 1), *plane)
            hu[block] = _cover(hu[block], _points(block, to_head), part)
    return hu.astype(np.float32)


def _parts(lesion: Part | None) -> tuple[Part, ...]:
    return HEAD if lesion is None else (*HEAD, lesion)


def _inverse(name: str, matrix: Array) -> Array:
    if np.shape(matrix) != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
        raise ValueError(f"{name} must be an invertible 4x4 matrix, got {np.asarray(matrix).tolist()}")
    inverse: Array = np.linalg.inv(np.asarray(matrix, float))
    return inverse


def _voxel_box(part: Part, to_voxel: Array, shape: Sequence[int]) -> tuple[slice, ...]:
    """The block of the grid outside of which `part` changes nothing."""
    signs = np.array(list(product((-1, 1), repeat=3)))
    corners = np.asarray(part.centre_mm) + signs * np.asarray(part.radii_mm) * (1 + EDGE_MM / min(part.radii_mm))
    voxels = corners @ to_voxel[:3, :3].T + to_voxel[:3, 3]
    first = np.maximum(np.floor(voxels.min(axis=0)).astype(int), 0)
    last = np.maximum(np.minimum(np.ceil(voxels.max(axis=0)).astype(int) + 1, shape), first)
    return tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))


def _points(box: tuple[slice, ...], to_head: Array) -> Array:
    """Points (i, j, k, 3) of the head frame, in mm, of the voxels of a block."""
    i, j, k = (np.arange(side.start, side.stop, dtype=float) for side in box)
    matrix = to_head[:3, :3]
    points: Array = (
        i[:, None, None, None] * matrix[:, 0]
        + j[None, :, None, None] * matrix[:, 1]
        + k[None, None, :, None] * matrix[:, 2]
        + to_head[:3, 3]
    )
    return points
