"""Training samples of the coarse network: scans of drawn heads as nobody has registered them.

A *coarse head* is a drawn head at 2 mm. Its affine leads to reference mm in which the head has the reference's size:
the similarity that brings its structure centroids closest to the mean ones (Umeyama, IEEE PAMI 13, 1991). A *scan*
turns it by up to 40 degrees about each axis, scales it, cuts it by a field of view, and averages over thick slices; it
may hold a lesion, and a piece of table that was taken for head. A *sample* is a cube of the scan as coarse input, with
the label of its predictions (4, t, t, t): where the middle of each patch lies in the reference, normalised to [0, 1],
and its weight, 1 where that is in the head and the scan knows it.

A head is drawn once for many scans, and a scan for many samples: so one costs a hundredth of the time of a head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn import functional

from ..geometry.affines import transform_points
from ..geometry.coordinates import POSITION_SCALE_MM, grid_affine
from ..geometry.resampling import Shape, block_mean, resample
from ..networks.patches import cut
from ..registration.locator_input import COARSE_MM, FINE_MM, PATCH_SIZE, STRIDE, coarse_affine, coarse_input
from ..simulation.anatomy.common_space import MEAN_CENTROIDS
from ..simulation.anatomy.label_map import Anatomy, centroids
from ..simulation.anatomy.labels import AIR, UNCOVERED
from ..simulation.person.head import SimulatedHead, draw_head
from ..simulation.person.varieties import PLAIN
from ..volume import AIR_HU

Array = NDArray[np.float64]

CENTROID_STEP = 2
"""Every so many voxels one counts for the centroids of structures."""

BELOW_MM = 80.0
"""Height below the label map's end in which nothing is known either."""

LARGEST_ANGLE_DEG = 40.0
"""Largest turn about each axis."""

SCALES = (0.8, 1.25)
"""Sizes of the scanned head, relative to the reference."""

BOTTOM_MM, TOP_MM, CUT_TOP_MM = (-130.0, -20.0), (106.0, 130.0), (65.0, 106.0)
"""Reference heights between which the ends of the field of view lie, and the upper end where it cuts the vertex."""

CUT_SHARE, LESION_SHARE, TABLE_SHARE, THICK_SHARE, ROUND_SHARE = 0.25, 0.3, 0.15, 0.6, 0.3
"""Shares of scans with a cut vertex, with a lesion, with table, with thick slices, with a round field of view."""

HALF_WIDTH_MM, NARROW_MM = (105.0, 135.0), (75.0, 105.0)
"""Half the width of the field of view; in every tenth scan it is narrow, and cuts the head."""

NARROW_SHARE = 0.1

SLICES_MM = (2.5, 7.0)
"""Thickness and distance of thick slices."""

AROUND_MM = 14.0
"""Room around the head in which the scan is drawn, table and all."""

AIR_VOXELS = 9
"""Coarse voxels of air that are put around that: with them no patch of a head voxel reaches beyond."""

TILT_DEG, TILTED_SHARE = 20.0, 0.4
"""Largest gantry tilt, which slants the ends of the field of view, and how often it is tilted."""


@dataclass(frozen=True, eq=False)
class CoarseHead:
    """A drawn head (I, J, K) at 2 mm in HU, its known and head masks, and the affine to reference mm, size removed."""

    hu: NDArray[np.int16]
    known: NDArray[np.bool_]
    head: NDArray[np.bool_]
    affine: Array


@dataclass(frozen=True, eq=False)
class CoarseScan:
    """A scan of a coarse head: coarse input (4, I, J, K) float16, where a prediction counts (I, J, K), and the affine.

    The affine leads from voxels to where they truly lie in the reference, mm.
    """

    values: Tensor
    counts: Tensor
    to_reference: Array


@dataclass(frozen=True)
class FieldOfView:
    """Field of view of a scan, mm: a box or a cylinder around `centre`, between two slanted planes."""

    centre: Array
    half_mm: float
    round: bool
    heights: tuple[float, float]
    slope: float

    def holds(self, x: Array, y: Array, z: Array) -> NDArray[np.bool_]:
        """True for points, given by coordinates that broadcast, that lie inside."""
        across, along = x - self.centre[0], y - self.centre[1]
        if self.round:
            beside = across**2 + along**2 <= self.half_mm**2
        else:
            beside = (np.abs(across) <= self.half_mm) & (np.abs(along) <= self.half_mm)
        height = z - self.slope * along
        return np.asarray(beside & (height >= self.heights[0]) & (height <= self.heights[1]))


def draw_coarse_head(anatomy: Anatomy, seed: int, variety: str = PLAIN) -> CoarseHead:
    """A healthy head drawn from an anatomy, at 2 mm.

    Raises:
        ValueError: the anatomy lacks the brain structures.
    """
    return coarse_head(draw_head(anatomy, seed, variety=variety))


def coarse_head(head: SimulatedHead) -> CoarseHead:
    """A drawn head at 2 mm, in reference space but for its size."""
    known = head.labels != UNCOVERED
    upright = head.to_reference @ head.affine
    hu, covered, affine = block_mean(head.hu, known, upright, FINE_MM)
    solid = block_mean((head.labels > AIR).astype(np.float32), np.ones_like(known), upright, FINE_MM)[0] > 0.5
    below = int(BELOW_MM / FINE_MM)
    padding = ((0, 0), (0, 0), (below, 0))
    affine[:3, 3] -= affine[:3, 2] * below
    step = CENTROID_STEP
    means = transform_points(upright, step * centroids(head.labels[::step, ::step, ::step], np.eye(4)))
    return CoarseHead(
        np.pad(np.rint(hu).astype(np.int16), padding, mode="edge"),
        np.pad(covered, padding, mode="edge"),
        np.pad(solid, padding),
        without_size(means) @ affine,
    )


def without_size(own_centroids: Array) -> Array:
    """The matrix (4, 4), reference mm to reference mm, that gives a rigidly aligned head the reference's size.

    Raises:
        ValueError: fewer than three structures are there.
    """
    usable = np.isfinite(own_centroids).all(axis=1)
    if usable.sum() < 3:
        raise ValueError(f"the size of a head needs three structures, got {int(usable.sum())}; is the head complete?")
    own, mean = own_centroids[usable], MEAN_CENTROIDS[usable]
    a, b = own - own.mean(axis=0), mean - mean.mean(axis=0)
    scale = float((a * b).sum() / (a * a).sum())
    matrix = np.diag([scale, scale, scale, 1.0])
    matrix[:3, 3] = mean.mean(axis=0) - scale * own.mean(axis=0)
    return matrix


def draw_scan_pose(rng: np.random.Generator) -> Array:
    """A random similarity (4, 4), reference mm to scan mm."""
    angles = rng.uniform(-LARGEST_ANGLE_DEG, LARGEST_ANGLE_DEG, 3)
    pose = np.eye(4)
    scale = np.exp(rng.uniform(*np.log(SCALES)))
    pose[:3, :3] = scale * Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    return pose


def draw_field_of_view(rng: np.random.Generator, pose: Array) -> FieldOfView:
    """A random field of view around a head that lies in the scanner as `pose` says."""
    top = rng.uniform(*(CUT_TOP_MM if rng.random() < CUT_SHARE else TOP_MM))
    low, high = transform_points(pose, np.array([(0, -8, rng.uniform(*BOTTOM_MM)), (0, -8, top)]))
    half = rng.uniform(*(NARROW_MM if rng.random() < NARROW_SHARE else HALF_WIDTH_MM))
    tilt = rng.uniform(-TILT_DEG, TILT_DEG) if rng.random() < TILTED_SHARE else 0.0
    centre = (low + high) / 2 + [*rng.uniform(-8, 8, 2), 0]
    return FieldOfView(
        centre, half, bool(rng.random() < ROUND_SHARE), (low[2], high[2]), float(np.tan(np.deg2rad(tilt)))
    )


def draw_scan(head: CoarseHead, rng: np.random.Generator) -> CoarseScan:
    """A random scan of a head: of all that is known of it."""
    pose = draw_scan_pose(rng)
    view = draw_field_of_view(rng, pose)
    to_scan = pose @ head.affine
    seen = transform_points(to_scan, np.argwhere(head.head & head.known)[::7].astype(np.float64))
    seen = seen[view.holds(*seen.T)]
    low, high = seen.min(axis=0) - AROUND_MM - rng.uniform(0, COARSE_MM, 3), seen.max(axis=0) + AROUND_MM
    grid = np.diag([FINE_MM] * 3 + [1.0])
    grid[:3, 3] = low
    size = np.ceil((high - low) / COARSE_MM).astype(int) * 2
    shape: Shape = (int(size[0]), int(size[1]), int(size[2]))
    source = np.stack([head.hu - np.float32(AIR_HU), ~head.known, head.head]).astype(np.float32)
    moved = resample(torch.from_numpy(source), to_scan, shape, grid).numpy()
    x, y, z = (np.arange(count) * FINE_MM + grid[axis, 3] for axis, count in enumerate(shape))
    known = view.holds(x[:, None, None], y[None, :, None], z[None, None, :]) & (moved[1] < 0.5)
    hu = _appearance(moved[0] + np.float32(AIR_HU), grid, head, to_scan, rng)
    values = coarse_input(torch.from_numpy(hu), torch.from_numpy(known))
    counts = functional.avg_pool3d(torch.from_numpy(moved[2] * known)[None], 2)[0] > 0.5
    values, counts, affine = _with_air(values, counts, coarse_affine(grid), view)
    return CoarseScan(values.half(), counts, np.linalg.inv(pose) @ affine)


def _with_air(values: Tensor, counts: Tensor, affine: Array, view: FieldOfView) -> tuple[Tensor, Tensor, Array]:
    """The scan with air around it, as far as the field of view goes, so that no patch reaches farther."""
    margin = AIR_VOXELS
    affine = affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ ([margin] * 3)
    around = functional.pad(values, [margin] * 6)
    x, y, z = (np.arange(count) * COARSE_MM + affine[axis, 3] for axis, count in enumerate(around.shape[1:]))
    seen = torch.from_numpy(view.holds(x[:, None, None], y[None, :, None], z[None, None, :]))
    edge = functional.pad(values[None, 3:], [margin] * 6, mode="replicate")[0, 0]
    around[3] = torch.where(seen, edge, 0.0)
    inside = (slice(margin, -margin),) * 3
    around[3][inside] = values[3]
    return around, functional.pad(counts, [margin] * 6), affine


def draw_sample(scan: CoarseScan, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
    """One sample of a scan: coarse input (4, size, size, size) and label (4, t, t, t), t = (size - 23) / 4 + 1.

    The middle of the cube is a random voxel of the head; what lies beyond the scan is unknown.

    Raises:
        ValueError: `size` does not fit a whole number of strides, or the scan shows no head.
    """
    if size < PATCH_SIZE or (size - PATCH_SIZE) % STRIDE:
        raise ValueError(f"a sample's size must be {PATCH_SIZE} plus a multiple of {STRIDE}, got {size}")
    places = np.flatnonzero(scan.counts.numpy())
    if not len(places):
        raise ValueError("the scan shows no head: widen its field of view.")
    middle = np.unravel_index(places[rng.integers(len(places))], scan.counts.shape)
    start = np.array(middle) - size // 2 + rng.integers(-STRIDE, STRIDE + 1, 3)
    inputs = cut(scan.values, start.tolist(), [size] * 3).float()
    count = (size - PATCH_SIZE) // STRIDE + 1
    centres = start + PATCH_SIZE // 2
    span = [STRIDE * (count - 1) + 1] * 3
    weight = cut(scan.counts.float(), centres.tolist(), span)[::STRIDE, ::STRIDE, ::STRIDE]
    index = np.indices((count,) * 3).reshape(3, -1).T * float(STRIDE) + centres
    normal = (transform_points(scan.to_reference, index) - grid_affine()[:3, 3]) / POSITION_SCALE_MM
    label = torch.from_numpy(normal.T.reshape(3, count, count, count).astype(np.float32))
    return inputs, torch.cat([label, weight[None]])


def _appearance(
    hu: NDArray[np.float32], grid: Array, head: CoarseHead, to_scan: Array, rng: np.random.Generator
) -> NDArray[np.float32]:
    """The scan's HU with what differs between scanners and patients."""
    if rng.random() < LESION_SHARE:
        _add_lesion(hu, rng)
    bone = rng.uniform(0.8, 1.2)
    np.multiply(hu, bone, out=hu, where=hu > 150)
    if rng.random() < THICK_SHARE:
        thickness = rng.uniform(*SLICES_MM)
        hu = np.asarray(hu @ slice_weights(hu.shape[2], thickness, rng.uniform(0, thickness)).T)
    hu = (hu + rng.normal(0, 4) * (hu > -200)).astype(np.float32)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    hu += np.float32(rng.uniform(0, 6)) * noise * (hu > -900)
    if rng.random() < TABLE_SHARE:
        back = transform_points(to_scan, np.argwhere(head.head[::4, ::4, ::4]) * 4.0)[:, 1].min()
        first = (back - grid[1, 3] - rng.uniform(0, 12)) / FINE_MM
        rows = slice(max(int(first), 0), max(int(first) + int(rng.integers(2, 6)), 0))
        hu[:, rows] = np.maximum(hu[:, rows], np.float32(rng.uniform(-100, 300)))
    return hu


def _add_lesion(hu: NDArray[np.float32], rng: np.random.Generator) -> None:
    """A ball of 10 to 30 mm radius of the density of water to blood, mostly in soft tissue only."""
    radius = rng.uniform(10, 30) / FINE_MM
    centre = rng.uniform(0.2, 0.8, 3) * hu.shape
    i, j, k = (np.arange(n) - c for n, c in zip(hu.shape, centre, strict=True))
    ball = i[:, None, None] ** 2 + j[None, :, None] ** 2 + k[None, None, :] ** 2 <= radius**2
    ball &= hu > -200
    if rng.random() < 0.8:
        ball &= hu < 100
    hu[ball] = rng.uniform(0, 75)


def slice_weights(count: int, thickness_mm: float, offset_mm: float) -> NDArray[np.float32]:
    """The matrix (count, count) that replaces lines of 2 mm voxels by slices, and interpolates linearly between them.

    Slices are `thickness_mm` thick and apart; the first one is centred at -`offset_mm`.
    """
    at = np.arange(count) * FINE_MM
    slices = np.arange(-offset_mm, at[-1] + 2 * thickness_mm, thickness_mm)
    overlap = np.minimum(at[None] + FINE_MM / 2, slices[:, None] + thickness_mm / 2) - np.maximum(
        at[None] - FINE_MM / 2, slices[:, None] - thickness_mm / 2
    )
    means = np.clip(overlap, 0, None)
    nearest = np.clip(np.rint(slices / FINE_MM), 0, count - 1).astype(int)
    means[means.sum(axis=1) == 0, nearest[means.sum(axis=1) == 0]] = 1.0
    means /= means.sum(axis=1, keepdims=True)
    between = np.clip(1 - np.abs(at[:, None] - slices[None]) / thickness_mm, 0, None)
    return np.asarray((between @ means), dtype=np.float32)
