"""What is normal, place by place, and how far a scan is from it.

The *residual* r = (predicted position - true position) * 255 mm is a vector (x, y, z) in mm of reference space; its
length is the error map. On healthy scans it has, at each place of the head, a mean m and a covariance S of its own:
near the mid-plane the network is sure, at the vertex it is not. The *normative* holds both on a coarse grid of
reference space, every `GRID_STEP`-th voxel, and the *count*: how many healthy residuals speak for the place. The
*anomaly map* is the Mahalanobis distance (Mahalanobis, Proc. Natl. Inst. Sci. India 2, 1936)

    d = sqrt((r - m)^T S^-1 (r - m)),

in standard deviations, dimensionless. Where healthy scans say nothing, it is 0.

Reference space is symmetric, so a scan's mirror image is a healthy scan too: the map is flipped along x and its
residual along x changes sign. The mirror image of voxel i is voxel 255 - i, which lies 1 voxel beside the coarse grid;
it counts for the place next to it. Means and covariances are smoothed in space, weighted by the count, and the
covariance is drawn toward that of a wider surrounding, and this toward that of the whole head, the more the fewer
residuals there are, with eigenvalues kept off zero.

Six numbers hold a symmetric matrix, in the order xx, xy, xz, yy, yz, zz.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .coordinates import POSITION_SCALE_MM, REFERENCE_SIZE, REFERENCE_SPACING_MM

GRID_STEP = 4
"""Voxels of the reference grid between places of the normative."""

GRID_SIZE = REFERENCE_SIZE // GRID_STEP
"""Places along each side."""

SMOOTHING_MM, WIDE_MM = 5.0, 16.0
"""Standard deviations of the Gaussians that smooth the statistics, and of the surrounding they are drawn toward."""

PRIOR_COUNT = 10.0
"""How many residuals the surrounding counts for when the covariance is drawn toward it."""

MEAN_PRIOR_COUNT = 0.5
"""The same for the mean: enough to have one where no residual is, too little to matter where some are."""

LEAST_SD_MM = 1.0
"""No direction has a smaller standard deviation: what the registration alone moves must not look abnormal."""

LEAST_COUNT = 2.0
"""Places with a smaller (smoothed) count are unknown."""

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Rows and columns of the six numbers of a symmetric matrix."""

FULL = ((0, 1, 2), (1, 3, 4), (2, 4, 5))
"""Where each entry of the matrix stands among the six numbers."""

CHANNELS = 1 + 3 + len(PAIRS)
"""Count, mean and covariance, or the sums that they come from."""

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Normative:
    """Mean (3, n, n, n) in mm, covariance (6, n, n, n) in mm² and count (n, n, n) of healthy residuals, float32."""

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    count: NDArray[np.float32]

    @property
    def known(self) -> Mask:
        """Places (n, n, n) of which healthy scans say enough."""
        return np.asarray(self.count >= LEAST_COUNT)


class NormativeStatistics:
    """Sums over healthy scans: count, residual and products of its components at each place of the normative's grid.

    Sums are additive, so those of one scan can be taken out again: `sums = all.sums - one.sums`.
    """

    def __init__(self, sums: NDArray[np.float64] | None = None) -> None:
        """Go on from sums (10, 64, 64, 64), or begin with none."""
        self.sums = np.zeros((CHANNELS, *[GRID_SIZE] * 3)) if sums is None else sums

    def add(self, residual_mm: Floats, inside: Mask, mirror: bool = True) -> None:
        """Add a scan, and its mirror image.

        Args:
            residual_mm: (3, 64, 64, 64), as `on_grid(residual(...))`; NaN where nothing was predicted.
            inside: (64, 64, 64), where the scan shows the head.
            mirror: whether its mirror image is added too.

        Raises:
            ValueError: the shapes are not those of the grid.
        """
        if residual_mm.shape != (3, *self.sums.shape[1:]) or inside.shape != self.sums.shape[1:]:
            raise ValueError(
                f"a residual and a mask on the normative's grid of {list(self.sums.shape[1:])} places are needed,"
                f" got {residual_mm.shape} and {inside.shape}"
            )
        self._add(residual_mm, inside)
        if mirror:
            self._add(*mirrored(residual_mm, inside))

    def _add(self, residual_mm: Floats, inside: Mask) -> None:
        known = inside & np.isfinite(residual_mm).all(axis=0)
        values = np.where(known, residual_mm, 0).astype(np.float64)
        self.sums[0] += known
        self.sums[1:4] += values
        for channel, (row, column) in enumerate(PAIRS, start=4):
            self.sums[channel] += values[row] * values[column]

    def finish(self, smoothing_mm: float = SMOOTHING_MM) -> Normative:
        """The normative: smoothed, drawn toward the surrounding, with eigenvalues off zero.

        Raises:
            ValueError: nothing was added.
        """
        count = self.sums[0]
        if not count.any():
            raise ValueError("a normative needs healthy scans, got none with a voxel of a head")
        near, wide = smooth(self.sums[:4], smoothing_mm), smooth(self.sums[:4], WIDE_MM)
        surrounding = wide[1:] / (wide[0] + MEAN_PRIOR_COUNT)
        mean = (near[1:] + MEAN_PRIOR_COUNT * surrounding) / (near[0] + MEAN_PRIOR_COUNT)
        scatter = self._scatter(mean)
        covariance = (scatter.sum(axis=(1, 2, 3)) / count.sum())[:, None, None, None]
        for sigma_mm, weight in ((WIDE_MM, wide[0]), (smoothing_mm, near[0])):
            covariance = (smooth(scatter, sigma_mm) + PRIOR_COUNT * covariance) / (weight + PRIOR_COUNT)
        floored = floor_eigenvalues(covariance, LEAST_SD_MM**2)
        return Normative(mean.astype(np.float32), floored.astype(np.float32), near[0].astype(np.float32))

    def _scatter(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums (6, n, n, n) of the products of what is left of the residuals when a mean (3, n, n, n) is taken off."""
        count, first = self.sums[0], self.sums[1:4]
        return np.stack(
            [
                self.sums[channel] - mean[i] * first[j] - first[i] * mean[j] + count * mean[i] * mean[j]
                for channel, (i, j) in enumerate(PAIRS, start=4)
            ]
        )


def residual(predicted: Floats, stride: int) -> NDArray[np.float32]:
    """Residual (3, n, n, n) in mm of predicted positions (3, n, n, n), normalised, on every stride-th voxel.

    Raises:
        ValueError: `predicted` is not (3, n, n, n).
    """
    if predicted.ndim != 4 or predicted.shape[0] != 3:
        raise ValueError(f"predicted positions must be (3, n, n, n), got {predicted.shape}")
    found = predicted.astype(np.float32) * np.float32(POSITION_SCALE_MM)
    for axis in range(3):
        line = stride * REFERENCE_SPACING_MM * np.arange(predicted.shape[1 + axis], dtype=np.float32)
        found[axis] -= line.reshape([-1 if other == axis else 1 for other in range(3)])
    return found


def on_grid(values: NDArray[Kind], stride: int) -> NDArray[Kind]:
    """What of values (..., n, n, n) on every stride-th voxel lies on the normative's grid.

    Raises:
        ValueError: the stride is not 1, 2 or 4.
    """
    if GRID_STEP % stride:
        raise ValueError(f"the stride must divide {GRID_STEP}, got {stride}: use 1, 2 or 4")
    step = GRID_STEP // stride
    return values[..., ::step, ::step, ::step]


def mirrored(residual_mm: Floats, inside: Mask) -> tuple[Floats, Mask]:
    """Residual (3, n, n, n) and mask (n, n, n) of the mirror image: place k is where n - k was; place 0 is empty."""
    flipped = np.roll(residual_mm[:, ::-1], 1, axis=1) * np.array([-1, 1, 1], residual_mm.dtype)[:, None, None, None]
    there = np.roll(inside[::-1], 1, axis=0)
    there[0] = False
    return flipped, there


def smooth(values: NDArray[np.float64], sigma_mm: float) -> NDArray[np.float64]:
    """Values (C, n, n, n) on the normative's grid smoothed by a Gaussian; beyond the grid they are 0."""
    sigma = sigma_mm / (GRID_STEP * REFERENCE_SPACING_MM)
    return np.asarray(ndimage.gaussian_filter(values, (0, sigma, sigma, sigma), mode="constant", truncate=3.0))


def floor_eigenvalues(covariance: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Symmetric matrices (6, ...) with every eigenvalue at least `least`."""
    full = np.moveaxis(covariance[np.array(FULL)], (0, 1), (-2, -1))
    values, vectors = np.linalg.eigh(full)
    raised = (vectors * np.maximum(values, least)[..., None, :]) @ np.swapaxes(vectors, -2, -1)
    return np.stack([raised[..., i, j] for i, j in PAIRS])


def mahalanobis(residual_mm: Floats, inside: Mask, normative: Normative, stride: int) -> NDArray[np.float32]:
    """Anomaly map (n, n, n) of a residual (3, n, n, n) on every stride-th voxel, the normative interpolated linearly.

    It is 0 outside the mask `inside` (n, n, n), where nothing was predicted (NaN), and where the normative is unknown.

    Raises:
        ValueError: shapes differ.
    """
    if residual_mm.shape[1:] != inside.shape:
        raise ValueError(f"residual and mask differ in shape: {residual_mm.shape[1:]} and {inside.shape}")
    wanted = inside & np.isfinite(residual_mm).all(axis=0) & known_at(inside.shape, normative, stride)
    places = np.stack(np.nonzero(wanted)).astype(np.float32) * (stride / GRID_STEP)
    mean, covariance = (_interpolated(channels, places) for channels in (normative.mean, normative.covariance))
    distances = np.zeros(inside.shape, dtype=np.float32)
    distances[wanted] = np.sqrt(quadratic_form(residual_mm[:, wanted] - mean, covariance))
    return distances


def known_at(shape: tuple[int, ...], normative: Normative, stride: int) -> Mask:
    """Mask of the voxels of a map of this shape, on every stride-th voxel, whose nearest place is known."""
    size = len(normative.count)
    nearest = [np.minimum((2 * stride * np.arange(n) + GRID_STEP) // (2 * GRID_STEP), size - 1) for n in shape]
    return normative.known[np.ix_(*nearest)]


def quadratic_form(vectors: Floats, matrices: Floats) -> NDArray[np.floating]:
    """v^T S^-1 v of vectors (3, k) and symmetric positive matrices (6, k), by forward substitution in S = L L^T."""
    xx, xy, xz, yy, yz, zz = matrices
    l00 = np.sqrt(xx)
    l10, l20 = xy / l00, xz / l00
    l11 = np.sqrt(yy - l10**2)
    l21 = (yz - l20 * l10) / l11
    l22 = np.sqrt(zz - l20**2 - l21**2)
    first = vectors[0] / l00
    second = (vectors[1] - l10 * first) / l11
    third = (vectors[2] - l20 * first - l21 * second) / l22
    return np.asarray(first**2 + second**2 + third**2)


def smooth_map(values: NDArray[np.float32], inside: Mask, sigma_mm: float, stride: int) -> NDArray[np.float32]:
    """A map (n, n, n) on every stride-th voxel smoothed inside a mask by a Gaussian; 0 outside; unchanged for 0 mm."""
    if not sigma_mm:
        return values
    sigma = sigma_mm / (stride * REFERENCE_SPACING_MM)
    weight = ndimage.gaussian_filter(inside.astype(np.float32), sigma, truncate=3.0)
    total = ndimage.gaussian_filter(np.where(inside, values, np.float32(0)), sigma, truncate=3.0)
    return np.asarray(np.divide(total, weight, out=np.zeros_like(values), where=inside))


def _interpolated(channels: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float64]:
    """Channels (C, n, n, n) at places (3, k) of their grid, linearly: (C, k)."""
    return np.stack([ndimage.map_coordinates(c.astype(np.float64), places, order=1, mode="nearest") for c in channels])
