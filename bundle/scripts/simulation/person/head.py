"""Drawing one head: everything about it follows from one seed.

The head is drawn in reference space at 1 mm, exactly aligned by its own structure centroids, so that labels, lesion and
truth share one upright grid; how it lies in the scanner is a rigid matrix beside it. *Scan space* is the scanner's RAS
mm.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...geometry.affines import transform_points
from ...geometry.coordinates import grid_affine
from ..anatomy.braincase import BOTH, MIDDLE, SIDES
from ..anatomy.common_space import exchanged, to_reference
from ..anatomy.label_map import Anatomy
from ..anatomy.labels import swap_table
from ..lesions.growth import Lesion
from ..lesions.planting import IN_THE_MIDDLE, plant_lesion
from .atrophy import widened
from .look import Look, draw_look
from .shape import LATTICE_STEP, Shape, draw_shape
from .tissue import to_hu
from .varieties import PLAIN
from .variety import LARGEST_SCALE, Build, add_build, built_labels, built_look, built_shape, draw_build

Array = NDArray[np.float64]

MARGIN_MM = 6.0
"""Air kept around the head in its grid."""

LARGEST_SHIFT_MM = 25.0
"""Largest distance of the head from the middle of the scanner, along each axis."""

SHAPE_STREAM, TISSUE_STREAM, LESION_STREAM, POSE_STREAM, SCANNER_STREAM = range(5)
"""One stream of random numbers for each step, so that the same seed gives the same head with and without a lesion."""

SECOND_STREAM = 17
"""Stream of the lesion on the right, where there is one on both sides."""

LOOK_STREAM, ATROPHY_STREAM = 20, 21
"""Streams of the head's look, and of where its fluid spaces are wide."""

BUILD_STREAM, BUILT_STREAM = 30, 31
"""Streams of the build of heads that are not plain, and of the noise in it."""


@dataclass(frozen=True, eq=False)
class SimulatedHead:
    """A drawn head on its own upright 1 mm grid.

    Attributes:
        hu: (I, J, K) float32, before any scanner effect; air where nothing is known.
        labels: (I, J, K) int16, of the brain as the lesion pushed it; `labels.UNCOVERED` where the anatomy's map ends.
        lesion: (I, J, K) uint8, the lesion's mask: 1 the lesion itself, 2 swelling around it.
        to_reference: (4, 4) rigid, scan space to reference space, both RAS mm: the true pose.
        affine: (4, 4), voxel to scan space, mm. `to_reference @ affine` is the reference grid's, cropped.
        description: of the drawn head, for the record of the truth.
    """

    hu: NDArray[np.float32]
    labels: NDArray[np.int16]
    lesion: NDArray[np.uint8]
    to_reference: Array
    affine: Array
    description: dict[str, Any] = field(default_factory=dict)


def stream(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one step of the head with this seed."""
    return np.random.default_rng([seed, step])


def draw_head(
    anatomy: Anatomy,
    seed: int,
    *,
    lesion: str | None = None,
    side: str | None = None,
    lesion_size: dict[str, Any] | None = None,
    shape: Shape | None = None,
    look: Look | None = None,
    variety: str = PLAIN,
    largest_rotation_deg: float = 12.0,
) -> SimulatedHead:
    """A head drawn from an anatomy, with an optional lesion of a kind that `lesions.plant_lesion` knows.

    Args:
        anatomy: the prepared label map.
        seed: a number that is not negative; it determines everything.
        lesion: the kind of lesion, or None for a healthy head.
        side: "left" or "right" of the patient (after mirroring), or "both"; drawn where None, or "middle" for kinds
            that lie there.
        lesion_size: further arguments of `plant_lesion`.
        shape: the shape to use instead of a drawn one.
        look: the look to use instead of a drawn one.
        variety: one of `variety.VARIETIES`, the population that the head comes from.
        largest_rotation_deg: bound of the pitch in the scanner; yaw and roll get two thirds of it.

    Raises:
        ValueError: the anatomy lacks the brain structures, or there is no such lesion or variety.
    """
    build, own = draw_build(variety, stream(seed, BUILD_STREAM)), stream(seed, BUILT_STREAM)
    shape = _drawn_shape(seed, build) if shape is None else shape
    look = draw_look(stream(seed, LOOK_STREAM)) if look is None else look
    if build is not None:
        shape, look = built_shape(shape, build, own), built_look(look, build)
    labels, start = drawn_labels(anatomy, shape)
    if build is not None:
        labels, start, shell = built_labels(labels, start, build, own)
    labels = widened(labels, look.ventricles, look.sulci, stream(seed, ATROPHY_STREAM))
    hu = to_hu(labels, stream(seed, TISSUE_STREAM), look)
    sutures = {} if build is None else add_build(hu, labels, shell, build, own)
    planted, words = _with_lesion(hu, labels, lesion, side, lesion_size or {}, seed, sutures)
    to_reference = draw_pose(stream(seed, POSE_STREAM), largest_rotation_deg)
    upright = grid_affine()
    upright[:3, 3] += start
    drawn = {"seed": seed, "flipped": shape.flipped, "scale": shape.scale.round(4).tolist(), "look": asdict(look)}
    if build is not None:
        drawn |= {"variety": variety, "build": asdict(build)}
    return SimulatedHead(*planted[:3], to_reference, np.linalg.inv(to_reference) @ upright, {**drawn, **words})


def _drawn_shape(seed: int, build: Build | None) -> Shape:
    """The shape of a plain head, or the more varied one of another."""
    rng = stream(seed, SHAPE_STREAM)
    return draw_shape(rng) if build is None else draw_shape(rng, LARGEST_SCALE)


def draw_pose(rng: np.random.Generator, largest_rotation_deg: float) -> Array:
    """A rigid 4x4 from scan space to reference space: how a patient happens to lie in the scanner."""
    angles = rng.uniform(-1, 1, 3) * largest_rotation_deg * np.array([1.0, 2 / 3, 2 / 3])
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    pose[:3, 3] = rng.uniform(-1, 1, 3) * LARGEST_SHIFT_MM
    return pose


def _with_lesion(
    hu: NDArray[np.float32],
    labels: NDArray[np.int16],
    kind: str | None,
    side: str | None,
    size: dict[str, Any],
    seed: int,
    sutures: dict[str, Array],
) -> tuple[Lesion, dict[str, Any]]:
    """The head with the lesion, and the words that describe it."""
    if kind is None:
        return Lesion(hu, labels, np.zeros(hu.shape, dtype=np.uint8)), {"lesion": None}
    rng = stream(seed, LESION_STREAM)
    if side is None:
        side = MIDDLE if kind in IN_THE_MIDDLE else SIDES[int(rng.integers(2))]
    second = stream(seed, SECOND_STREAM) if side == BOTH else None
    planted = plant_lesion(hu, labels, 1.0, kind, side, rng, second=second, sutures=sutures, **size)
    volume_ml = round(float((planted.mask == 1).sum()) / 1000, 3)
    shift_mm = round(planted.midline_mm, 2)
    words = {"lesion": kind, "side": side, "volume_ml": volume_ml, "midline_shift_mm": shift_mm}
    return planted, words | {name: size[name] for name in ("blood", "mirrored", "width_mm", "count") if name in size}


def drawn_labels(anatomy: Anatomy, shape: Shape) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """The labels of the drawn head, aligned to reference space, and the reference voxel of their first corner."""
    to_common = to_reference(anatomy.centroids)
    to_drawn = to_reference(_drawn_centroids(anatomy, shape, to_common))
    surface = shape.forward(transform_points(to_common, anatomy.head_points))
    framed = transform_points(to_drawn, surface) - grid_affine()[:3, 3]
    start = np.floor(framed.min(axis=0) - MARGIN_MM).astype(np.int64)
    size = np.ceil(framed.max(axis=0) + MARGIN_MM).astype(np.int64) - start + 1
    counts = -(-(size - 1) // LATTICE_STEP) + 1
    lattice = np.indices(counts, dtype=np.float64).reshape(3, -1).T
    points = LATTICE_STEP * lattice + start + grid_affine()[:3, 3]
    source = shape.source(transform_points(np.linalg.inv(to_drawn), points))
    voxels = transform_points(np.linalg.inv(to_common @ anatomy.affine), source)
    labels = look_up(anatomy.labels, voxels.reshape(*counts, 3))
    return (swap_table()[labels] if shape.flipped else labels), start


def _drawn_centroids(anatomy: Anatomy, shape: Shape, to_common: Array) -> Array:
    """Centroids (29, 3) of the structures of the drawn head, before it is aligned."""
    cloud = np.full((len(anatomy.structure_points), 3), np.nan)
    for row, points in enumerate(anatomy.structure_points):
        if len(points):
            cloud[row] = shape.forward(transform_points(to_common, points)).mean(axis=0)
    return exchanged(cloud) if shape.flipped else cloud


def look_up(labels: NDArray[np.int16], lattice: Array) -> NDArray[np.int16]:
    """The nearest labels at voxel positions that are given on a lattice of every 8th voxel, and linear between.

    Args:
        labels: (I, J, K) label map; positions outside it take the label of its border.
        lattice: (A, B, C, 3) voxel positions in it.

    Returns:
        Labels (8 A - 7, 8 B - 7, 8 C - 7).
    """
    import torch

    fine = [(count - 1) * LATTICE_STEP + 1 for count in lattice.shape[:3]]
    flat = torch.zeros(fine, dtype=torch.int32)
    for axis, size in enumerate(labels.shape):
        coarse = torch.from_numpy(np.ascontiguousarray(lattice[..., axis], dtype=np.float32))[None, None]
        exact = torch.nn.functional.interpolate(coarse, size=fine, mode="trilinear", align_corners=True)[0, 0]
        flat.mul_(size).add_(exact.add_(0.5).clamp_(0, size - 1).to(torch.int32))
    return np.asarray(np.take(labels.ravel(), flat.numpy()))
