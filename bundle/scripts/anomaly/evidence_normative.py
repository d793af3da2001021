"""The features of healthy scans by place, mean and full covariance, and a scan's distance from them.

Words as in `evidence`. Reference space is symmetric, so the mirror image of a healthy scan is one, too. What is normal
on the left follows from the right: only places of the right *half* of a *box* around brain and skull are kept, and a
scan's left half is compared after mirroring it. As in `normative`, means and covariances are smoothed in space,
weighted by the count, and the covariance is drawn toward that of a wider surrounding, and of the whole head: the fewer
scans, the more. The *ridge* adds a share of each variance to itself: directions in which healthy scans hardly differ
would otherwise judge alone. Covariances are held as upper triangles, row by row, at every `COARSE`-th place, and
interpolated linearly between them: they are smooth.

The same statistics describe any features of a place, each of which keeps its *sign* in the mirror image or changes it:
the twenty of the evidence, or the density alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .evidence import KINDS, PLACE_MM
from .normative import LEAST_COUNT, MEAN_PRIOR_COUNT, PRIOR_COUNT, SMOOTHING_MM, WIDE_MM

BOX = (slice(10, 54), slice(3, 61), slice(12, 61))
"""Places around brain and skull; along x symmetric about the mid-plane."""

HALF = (slice(32, 54), *BOX[1:])
"""Those on the patient's right."""

RIDGE = 0.02
"""Share of each variance that is added to it."""

COARSE = 2
"""Places between those at which a covariance is held."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EvidenceNormative:
    """Of k features at the places (I, J, K) of `HALF`, float32.

    Attributes:
        mean: (k, I, J, K).
        covariance: (k (k + 1) / 2, I', J', K'), at every `COARSE`-th place, the ridge not added.
        count: (I, J, K), smoothed number of healthy scans and mirror images.
        signs: (k,), -1 for features whose sign changes in the mirror image, else 1.
        ridge: share of each variance that is added.
    """

    mean: Floats
    covariance: Floats
    count: Floats
    signs: Doubles
    ridge: float = RIDGE

    @property
    def known(self) -> Mask:
        """Places (I, J, K) of which healthy scans say enough."""
        return np.asarray(self.count >= LEAST_COUNT)

    @cached_property
    def whitening(self) -> Floats:
        """W (n, k, k) of the n known places, with W^T W the inverse of the covariance: q = |W (f - m)|."""
        at = np.array(np.nonzero(self.known), dtype=np.float32) / COARSE
        held = [ndimage.map_coordinates(c.astype(np.float64), at, order=1, mode="nearest") for c in self.covariance]
        matrices = np.empty((at.shape[1], len(self.signs), len(self.signs)))
        for values, (i, j) in zip(held, pairs(len(self.signs)), strict=True):
            matrices[:, i, j] = matrices[:, j, i] = values
        return whitening(matrices, self.ridge)


def pairs(features: int) -> tuple[tuple[int, int], ...]:
    """Rows and columns of the upper triangle of a covariance."""
    return tuple(combinations_with_replacement(range(features), 2))


def half_shape() -> tuple[int, int, int]:
    """The numbers of places of `HALF`."""
    i, j, k = (part.stop - part.start for part in HALF)
    return i, j, k


class EvidenceStatistics:
    """Sums over healthy scans and their mirror images: count, features and their products at the places of `HALF`.

    Sums are additive: those of groups of scans can be added up.
    """

    def __init__(self, signs: NDArray[np.float64], sums: Doubles | None = None) -> None:
        """Go on from sums (1 + k + k (k + 1) / 2, I, J, K), or begin with none, for features with signs (k,)."""
        self.signs, self.features = signs, len(signs)
        self.sums = np.zeros((1 + self.features + len(pairs(self.features)), *half_shape())) if sums is None else sums

    def add(self, features: Floats) -> None:
        """Add a scan's features (k, 64, 64, 64), NaN where they are not known, and those of its mirror image.

        Raises:
            ValueError: the number of features is another.
        """
        if len(features) != self.features:
            raise ValueError(f"{self.features} features are needed, got {features.shape}")
        for half in (features[:, *HALF], turned(features, self.signs)[:, *HALF]):
            known = np.isfinite(half).all(axis=0)
            values = np.where(known, half, 0).astype(np.float64)
            self.sums[0] += known
            self.sums[1 : 1 + self.features] += values
            for channel, (row, column) in enumerate(pairs(self.features), start=1 + self.features):
                self.sums[channel] += values[row] * values[column]

    def only(self, kept: Sequence[int]) -> EvidenceStatistics:
        """The statistics of some of the features."""
        channels = [1 + self.features + n for n, pair in enumerate(pairs(self.features)) if set(pair) <= set(kept)]
        return EvidenceStatistics(self.signs[list(kept)], self.sums[[0, *(1 + index for index in kept), *channels]])

    def finish(self, ridge: float = RIDGE) -> EvidenceNormative:
        """The normative: smoothed, drawn toward the surrounding.

        Raises:
            ValueError: nothing was added.
        """
        count, signs = self.sums[0], self.signs
        if not count.any():
            raise ValueError("a normative needs healthy scans, got none with a place of a head")
        first, inside = self.sums[1 : 1 + self.features], np.concatenate([[1.0], signs])
        near, wide = (smoothed(self.sums[: 1 + self.features], inside, mm) for mm in (SMOOTHING_MM, WIDE_MM))
        surrounding = wide[1:] / (wide[0] + MEAN_PRIOR_COUNT)
        mean = (near[1:] + MEAN_PRIOR_COUNT * surrounding) / (near[0] + MEAN_PRIOR_COUNT)
        coarse = (slice(None, None, COARSE),) * 3
        held = []
        for channel, (i, j) in enumerate(pairs(self.features), start=1 + self.features):
            scatter = self.sums[channel] - mean[i] * first[j] - first[i] * mean[j] + count * mean[i] * mean[j]
            shrunk = np.full(count.shape, scatter.sum() / count.sum() if signs[i] == signs[j] else 0.0)
            for sigma_mm, weight in ((WIDE_MM, wide[0]), (SMOOTHING_MM, near[0])):
                around = smoothed(scatter[None], np.array([signs[i] * signs[j]]), sigma_mm)[0]
                shrunk = (around + PRIOR_COUNT * shrunk) / (weight + PRIOR_COUNT)
            held.append(shrunk[coarse])
        covariance, known = np.stack(held).astype(np.float32), near[0].astype(np.float32)
        return EvidenceNormative(mean.astype(np.float32), covariance, known, signs, ridge)


def turned(features: Floats, signs: Doubles) -> Floats:
    """Features (k, n, n, n) of the mirror image: flipped along x, each with its sign (k,)."""
    return np.asarray(features[:, ::-1] * signs[:, None, None, None].astype(np.float32))


def smoothed(values: Doubles, signs: NDArray[np.float64], sigma_mm: float) -> Doubles:
    """Values (c, I, J, K) on `HALF`, mirrored with their signs (c,) to the other half, smoothed by a Gaussian."""
    sigma = sigma_mm / PLACE_MM
    whole = np.concatenate([signs[:, None, None, None] * values[:, ::-1], values], axis=1)
    found = ndimage.gaussian_filter(whole, (0, sigma, sigma, sigma), mode="constant", truncate=3.0)
    return np.asarray(found[:, values.shape[1] :])


def whitening(matrices: Doubles, ridge: float) -> Floats:
    """W (..., k, k), float32, with W^T W the inverse of covariances (..., k, k), a ridge added."""
    diagonal = np.einsum("...ii->...i", matrices)
    raised = matrices.copy()
    np.einsum("...ii->...i", raised)[...] = diagonal * (1 + ridge) + np.finfo(np.float32).eps
    return np.linalg.inv(np.linalg.cholesky(raised)).astype(np.float32)


def mirror_signs(kept: Sequence[int]) -> NDArray[np.float64]:
    """Signs (k,) of features in the mirror image, of those with these numbers: -1 for residuals along x."""
    return np.array([-1.0 if index % KINDS == 0 else 1.0 for index in kept])


def oddity(features: Floats, normative: EvidenceNormative) -> Floats:
    """Oddity (64, 64, 64) of features (k, 64, 64, 64); NaN where it is not known.

    Raises:
        ValueError: the number of features is another than the normative's.
    """
    if len(features) != len(normative.mean):
        raise ValueError(f"the normative has {len(normative.mean)} features, got {len(features)}")
    found = np.full(features.shape[1:], np.nan, np.float32)
    for values, place in ((features, found), (turned(features, normative.signs), found[::-1])):
        half = values[:, *HALF]
        there = np.asarray(np.isfinite(half).all(axis=0))[normative.known]
        at = tuple(index[there] for index in np.nonzero(normative.known))
        apart = (half[:, normative.known] - normative.mean[:, normative.known])[:, there]
        distance = np.linalg.norm(np.einsum("nij,jn->ni", normative.whitening[there], apart), axis=1)
        place[HALF][at] = distance
    return found
