"""Covariances of the normative's features, as the numbers that hold them.

The features of a place are the residual along x, y and z, and the asymmetry (see `normative`); with fewer, the first
ones. Residual and asymmetry are judged apart, so how they vary with one another is not kept. A covariance is stored as
the upper triangle of the residual's, row by row: xx, xy, xz, yy, yz, zz; the variance of the asymmetry follows.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

FEATURES = 4
"""Number of features."""

RESIDUAL, ASYMMETRY = (0, 1, 2), (3,)
"""The features that are judged together: how they vary with one another is of no concern."""

Floats = NDArray[np.floating]


def pairs(features: int) -> tuple[tuple[int, int], ...]:
    """Rows and columns of the numbers that hold a covariance: of the residual's, then of the asymmetry's."""
    every = combinations_with_replacement(range(features), 2)
    return tuple((i, j) for i, j in every if (i in RESIDUAL) == (j in RESIDUAL))


def floor_eigenvalues(covariance: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Symmetric matrices (c, ...) with every eigenvalue at least `least`."""
    values, vectors = np.linalg.eigh(full_matrices(covariance))
    raised = (vectors * np.maximum(values, least)[..., None, :]) @ np.swapaxes(vectors, -2, -1)
    return np.stack([raised[..., i, j] for i, j in pairs(raised.shape[-1])])


def full_matrices(covariance: Floats) -> Floats:
    """Matrices (..., s, s) of the numbers (c, ...) that hold them, 0 between residual and asymmetry."""
    features = next(count for count in range(1, FEATURES + 1) if len(pairs(count)) == len(covariance))
    full = np.zeros((*covariance.shape[1:], features, features), covariance.dtype)
    for (i, j), numbers in zip(pairs(features), covariance, strict=True):
        full[..., i, j] = full[..., j, i] = numbers
    return full


def quadratic_form(vectors: Floats, matrices: Floats) -> NDArray[np.floating]:
    """v^T S^-1 v of vectors (s, k) and positive matrices (c, k), see `pairs`, by forward substitution in S = L L^T."""
    entry = dict.fromkeys(combinations_with_replacement(range(len(vectors)), 2), np.zeros_like(vectors[0]))
    entry |= dict(zip(pairs(len(vectors)), matrices, strict=True))
    lower: dict[tuple[int, int], Floats] = {}
    solved: list[Floats] = []
    for row in range(len(vectors)):
        for column in range(row + 1):
            rest = entry[column, row] - sum(lower[row, before] * lower[column, before] for before in range(column))
            lower[row, column] = np.sqrt(rest) if row == column else rest / lower[column, column]
        known = sum(lower[row, column] * solved[column] for column in range(row))
        solved.append((vectors[row] - known) / lower[row, row])
    return np.asarray(np.square(np.stack(solved)).sum(axis=0))
