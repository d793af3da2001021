"""Anomaly by position: how unusual the evidence of the density network is at each place, and against its mirror place.

This module states the formula of that part; `parts` joins it with others. The *evidence* of a place are twenty numbers,
for each of four receptive fields the residual (3), the surprise and the entropy (see `networks.evidence`). Averaged
over its surroundings they are the *features* f of the place. The mean m and the covariance S of the features in healthy
scans and their mirror images vary with the place. The *oddity* of a place is its Mahalanobis distance

    q = sqrt((f - m)^T S^-1 (f - m)),

for what is the same on both sides or in the middle. What makes a person unlike others is mostly on both sides, and
cancels in the *one-sided* oddity

    d = max(0, q(x) - q(mirror of x)).

Places are those of `preprocessing.blocks`: 64 a side, place k of a mirror image is place 63 - k, exactly, and its
residual along x has the other sign. Maps are averaged over a Gaussian; a region's score is the mean of its highest 1 %.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

PLACE_MM = 4.0
"""Distance of neighbouring places."""

FEATURE_SMOOTHING_MM, MAP_SMOOTHING_MM = 5.0, 6.0
"""Standard deviations of the Gaussians that average the evidence and the maps."""

KINDS = 5
"""Numbers of each receptive field: residual along x, y and z, surprise, entropy."""

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def features_of(evidence: Floats, inside: Mask) -> Floats:
    """Features (k, n, n, n) of evidence (k, n, n, n), averaged inside a mask (n, n, n); NaN where not known."""
    known = inside & np.isfinite(evidence).all(axis=0)
    return averaged(evidence, known, FEATURE_SMOOTHING_MM)


def averaged(values: Floats, known: Mask, sigma_mm: float) -> Floats:
    """Gaussian means (k, n, n, n) of the known places of values (k, n, n, n); NaN at all others."""
    sigma = sigma_mm / PLACE_MM
    weight = _filtered(known.astype(np.float32), sigma)
    found = np.full(values.shape, np.nan, np.float32)
    for part, target in zip(values, found, strict=True):
        total = _filtered(np.where(known, part, np.float32(0)), sigma)
        np.divide(total, weight, out=target, where=known)
    return found


def _filtered(values: Floats, sigma: float) -> Floats:
    return np.asarray(ndimage.gaussian_filter(values, sigma, mode="constant", truncate=3.0))


def one_sided(oddity: Floats) -> Floats:
    """One-sided oddity (n, n, n) of an oddity (n, n, n); 0 where either side is unknown (NaN), NaN where its own is."""
    difference = oddity - oddity[::-1]
    return np.where(np.isnan(oddity), np.float32(np.nan), np.nan_to_num(difference).clip(0)).astype(np.float32)


def smoothed(values: Floats) -> Floats:
    """A map (n, n, n) averaged over its surroundings; NaN stays where it is."""
    return np.asarray(averaged(values[None], np.isfinite(values), MAP_SMOOTHING_MM)[0])


def top_mean(values: Floats, region: Mask) -> float | None:
    """Mean of the highest 1 % of a map (n, n, n) in a region's mask; None where nothing is known there."""
    inside = np.sort(values[region & np.isfinite(values)])
    return float(inside[-max(1, round(inside.size / 100)) :].mean()) if inside.size else None
