"""Normative: mean and spread of features at each place of healthy heads, and a scan's distance from them.

The *residual* r = (predicted position - true position) * 255 mm is a vector (x, y, z) in mm of reference space; its
length is the error map. The *features* of a place are the residual, averaged over its surroundings, and the place's
`asymmetry` a: four numbers. Their mean and spread in healthy scans vary with the place: near the mid-plane the network
is precise, at the vertex it is not. The *normative* has, on a coarse grid of reference space (every `GRID_STEP`-th
voxel), the mean m and the covariance S of the residual, the mean and the variance of the asymmetry, and the *count* of
healthy scans with values there.

The deviation of each is its Mahalanobis distance (Proc. Natl. Inst. Sci. India 2, 1936), in standard deviations. The
asymmetry's is a part of the anomaly map (see `parts`); the residual gives the error map alone. The deviation is 0 where
the normative has no values.

Reference space is symmetric, so a scan's mirror image is a healthy scan too: the map is flipped along x, and the
residual along x changes its sign. The asymmetry keeps its sign: a place denser than its mirror place is so in the
mirror image too, on the other side. The mirror image of voxel i is voxel 255 - i, which lies 1 voxel beside the coarse
grid; it counts for the place next to it.

Means and covariances are smoothed in space, weighted by the count. The covariance is shrunk toward that of a wider
surrounding, and this one toward that of the whole head: the fewer scans, the more. Eigenvalues are kept off zero.

All of it also works with fewer features, such as the residual alone. Covariances are stored as `covariances` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry.averages import gaussian_means
from ..geometry.coordinates import POSITION_SCALE_MM, REFERENCE_SIZE, REFERENCE_SPACING_MM
from .covariances import ASYMMETRY, FEATURES, floor_eigenvalues, pairs, quadratic_form

GRID_STEP = 4
"""Voxels of the reference grid between places of the normative."""

GRID_SIZE = REFERENCE_SIZE // GRID_STEP
"""Places along each side."""

SMOOTHING_MM, WIDE_MM = 5.0, 16.0
"""Standard deviations of the Gaussians that smooth the statistics, and of the surrounding they are drawn toward."""

PRIOR_COUNT = 10.0
"""Weight of the surrounding when the covariance is shrunk toward it, in residuals."""

MEAN_PRIOR_COUNT = 0.5
"""The same for the mean: enough to have one where no residual is, too little to matter where some are."""

LEAST_SD_MM = 1.0
"""No direction has a smaller standard deviation: what the registration alone moves must not look abnormal. It is one
step of the asymmetry, too."""

RESIDUAL_SMOOTHING_MM = 5.0
"""Standard deviation of the Gaussian that averages the residual over the surroundings of a place."""

LEAST_COUNT = 2.0
"""Places with a smaller (smoothed) count are unknown."""

MIRROR_SIGNS = (-1, 1, 1, 1)
"""Factor of each feature when the mirror image is flipped: residual along x, y and z, and asymmetry."""

SLAB = 16
"""Planes of a map that are judged at a time: covariances of every voxel at once take a gigabyte at stride 1."""

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Normative:
    """Mean (s, n, n, n), covariance (len(pairs(s)), n, n, n) and count (n, n, n) of s healthy features, float32."""

    mean: NDArray[np.float32]
    covariance: NDArray[np.float32]
    count: NDArray[np.float32]

    @property
    def known(self) -> Mask:
        """Places (n, n, n) of which healthy scans say enough."""
        return np.asarray(self.count >= LEAST_COUNT)

    def only(self, features: Sequence[int]) -> Normative:
        """The normative of some features alone, `RESIDUAL` or `ASYMMETRY`."""
        kept = [index for index, pair in enumerate(pairs(len(self.mean))) if set(pair) <= set(features)]
        return Normative(self.mean[list(features)], self.covariance[kept], self.count)


def channels_of(features: int) -> int:
    """Count, mean and covariance, or the sums that they come from: how many volumes."""
    return 1 + features + len(pairs(features))


class NormativeStatistics:
    """Sums over healthy scans: count, features and their products at each place of the normative's grid.

    Sums are additive, so those of one scan can be taken out again: `sums = all.sums - one.sums`.
    """

    def __init__(self, sums: NDArray[np.float64] | None = None, features: int = FEATURES) -> None:
        """Go on from sums (c, 64, 64, 64), c = `channels_of(features)`, or begin with none, for so many features."""
        self.sums = np.zeros((channels_of(features), *[GRID_SIZE] * 3)) if sums is None else sums
        self.features = next(count for count in range(1, FEATURES + 1) if channels_of(count) == len(self.sums))

    def add(self, features: Floats, inside: Mask, mirror: bool = True) -> None:
        """Add a scan, and its mirror image.

        Args:
            features: (s, 64, 64, 64), as `on_grid(features_of(...))`; NaN where nothing was predicted.
            inside: (64, 64, 64), where the scan shows the head.
            mirror: whether its mirror image is added too.

        Raises:
            ValueError: the shapes are not those of the grid.
        """
        if features.shape != (self.features, *self.sums.shape[1:]) or inside.shape != self.sums.shape[1:]:
            raise ValueError(
                f"{self.features} features and a mask on the normative's grid of {list(self.sums.shape[1:])} places are"
                f" needed, got {features.shape} and {inside.shape}"
            )
        self._add(features, inside)
        if mirror:
            self._add(*mirrored(features, inside))

    def _add(self, features: Floats, inside: Mask) -> None:
        known = inside & np.isfinite(features).all(axis=0)
        values = np.where(known, features, 0).astype(np.float64)
        self.sums[0] += known
        self.sums[1 : 1 + self.features] += values
        for channel, (row, column) in enumerate(pairs(self.features), start=1 + self.features):
            self.sums[channel] += values[row] * values[column]

    def finish(self, smoothing_mm: float = SMOOTHING_MM) -> Normative:
        """The normative: smoothed, drawn toward the surrounding, with eigenvalues off zero.

        Raises:
            ValueError: nothing was added.
        """
        count = self.sums[0]
        if not count.any():
            raise ValueError("a normative needs healthy scans, got none with a voxel of a head")
        near, wide = (smooth(self.sums[: 1 + self.features], sigma_mm) for sigma_mm in (smoothing_mm, WIDE_MM))
        surrounding = wide[1:] / (wide[0] + MEAN_PRIOR_COUNT)
        mean = (near[1:] + MEAN_PRIOR_COUNT * surrounding) / (near[0] + MEAN_PRIOR_COUNT)
        scatter = self._scatter(mean)
        covariance = (scatter.sum(axis=(1, 2, 3)) / count.sum())[:, None, None, None]
        for sigma_mm, weight in ((WIDE_MM, wide[0]), (smoothing_mm, near[0])):
            covariance = (smooth(scatter, sigma_mm) + PRIOR_COUNT * covariance) / (weight + PRIOR_COUNT)
        floored = floor_eigenvalues(covariance, LEAST_SD_MM**2)
        return Normative(mean.astype(np.float32), floored.astype(np.float32), near[0].astype(np.float32))

    def _scatter(self, mean: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums (c, n, n, n) of the products of what is left of the features when a mean (s, n, n, n) is taken off."""
        count, first = self.sums[0], self.sums[1 : 1 + self.features]
        return np.stack(
            [
                self.sums[channel] - mean[i] * first[j] - first[i] * mean[j] + count * mean[i] * mean[j]
                for channel, (i, j) in enumerate(pairs(self.features), start=1 + self.features)
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


def features_of(residual_mm: Floats, asymmetry: Floats, inside: Mask, stride: int) -> NDArray[np.float32]:
    """Features (4, n, n, n): the residual (3, n, n, n), averaged inside the head, and the asymmetry; NaN outside.

    Where nothing was predicted (NaN), nothing is averaged.
    """
    known = inside & np.isfinite(residual_mm).all(axis=0)
    features = np.full((FEATURES, *known.shape), np.float32(np.nan))
    for feature, part in zip(features, residual_mm, strict=False):
        smoothed = smooth_map(np.where(known, part, 0).astype(np.float32), known, RESIDUAL_SMOOTHING_MM, stride)
        np.copyto(feature, smoothed, where=known)
    np.copyto(features[-1], asymmetry, where=known, casting="same_kind")
    return features


def on_grid(values: NDArray[Kind], stride: int) -> NDArray[Kind]:
    """The part of values (..., n, n, n), on every stride-th voxel, that lies on the normative's grid.

    Raises:
        ValueError: the stride is not 1, 2 or 4.
    """
    if GRID_STEP % stride:
        raise ValueError(f"the stride must divide {GRID_STEP}, got {stride}: use 1, 2 or 4")
    step = GRID_STEP // stride
    return values[..., ::step, ::step, ::step]


def mirrored(features: Floats, inside: Mask) -> tuple[Floats, Mask]:
    """Features (s, n, n, n) and mask (n, n, n) of the mirror image: place k is where n - k was; place 0 is empty."""
    change = np.array(MIRROR_SIGNS[: len(features)], features.dtype)[:, None, None, None]
    flipped = np.roll(features[:, ::-1], 1, axis=1) * change
    there = np.roll(inside[::-1], 1, axis=0)
    there[0] = False
    return flipped, there


def smooth(values: NDArray[np.float64], sigma_mm: float) -> NDArray[np.float64]:
    """Values (C, n, n, n) on the normative's grid smoothed by a Gaussian; beyond the grid they are 0."""
    sigma = sigma_mm / (GRID_STEP * REFERENCE_SPACING_MM)
    return np.asarray(ndimage.gaussian_filter(values, (0, sigma, sigma, sigma), mode="constant", truncate=3.0))


def mahalanobis(features: Floats, inside: Mask, normative: Normative, stride: int) -> NDArray[np.float32]:
    """Distances (n, n, n), in standard deviations, of features (s, n, n, n) on every stride-th voxel.

    The normative, of the same features, is interpolated linearly. Distances are 0 outside the mask `inside` (n, n, n),
    where nothing was predicted (NaN), and where the normative is unknown.

    Raises:
        ValueError: shapes differ.
    """
    if features.shape != (len(normative.mean), *inside.shape):
        raise ValueError(
            f"{len(normative.mean)} features on the grid of the mask are needed: {features.shape}, {inside.shape}"
        )
    wanted = inside & np.isfinite(features).all(axis=0) & known_at(inside.shape, normative, stride)
    distances = np.zeros(inside.shape, dtype=np.float32)
    for first in range(0, len(wanted), SLAB):
        slab = slice(first, first + SLAB)
        at = np.add(np.nonzero(wanted[slab]), [[first], [0], [0]])
        places = at.astype(np.float32) * (stride / GRID_STEP)
        mean, covariance = (_interpolated(channels, places) for channels in (normative.mean, normative.covariance))
        found = features[:, slab][:, wanted[slab]]
        distances[slab][wanted[slab]] = np.sqrt(quadratic_form(found - mean, covariance))
    return distances


def known_at(shape: tuple[int, ...], normative: Normative, stride: int) -> Mask:
    """Mask of the voxels of a map of this shape, on every stride-th voxel, whose nearest place is known."""
    size = len(normative.count)
    nearest = [np.minimum((2 * stride * np.arange(n) + GRID_STEP) // (2 * GRID_STEP), size - 1) for n in shape]
    return normative.known[np.ix_(*nearest)]


def smooth_map(values: NDArray[np.float32], inside: Mask, sigma_mm: float, stride: int) -> NDArray[np.float32]:
    """A map (n, n, n) on every stride-th voxel smoothed inside a mask by a Gaussian; 0 outside; unchanged for 0 mm."""
    if not sigma_mm:
        return values
    totals, sigma = np.where(inside, values, np.float32(0)), sigma_mm / (stride * REFERENCE_SPACING_MM)
    return np.where(inside, gaussian_means(totals, inside, sigma)[0], np.float32(0))


def _interpolated(channels: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float64]:
    """Channels (C, n, n, n) at places (3, k) of their grid, linearly: (C, k)."""
    return np.stack([ndimage.map_coordinates(c.astype(np.float64), places, order=1, mode="nearest") for c in channels])


def scan_maps(
    residual_mm: NDArray[np.floating],
    asymmetry: NDArray[np.floating],
    inside: NDArray[np.bool_],
    normative: Normative,
    stride: int,
    smoothing_mm: float,
) -> dict[str, NDArray[np.float32]]:
    """The error map (mm) and the map of the asymmetry of one scan by name, (n, n, n) each; 0 outside the mask.

    Args:
        residual_mm: (3, n, n, n) in mm, NaN where nothing was predicted.
        asymmetry: (n, n, n) in steps.
        inside: (n, n, n), the head.
        normative: of healthy scans.
        stride: voxels between predictions.
        smoothing_mm: standard deviation of the Gaussian that smooths the asymmetry; 0 for none.
    """
    known = inside & np.isfinite(residual_mm).all(axis=0)
    lengths = np.linalg.norm(np.where(known, residual_mm, 0).astype(np.float32), axis=0)
    judged = known & known_at(inside.shape, normative, stride)
    across = np.where(judged, asymmetry, np.float32(np.nan))[None].astype(np.float32)
    unusual = mahalanobis(across, judged, normative.only(ASYMMETRY), stride)
    return {"error": lengths, "asymmetry": smooth_map(unusual, judged, smoothing_mm, stride)}
