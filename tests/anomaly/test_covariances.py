"""Covariances as the numbers that hold them, against matrix algebra."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.anomaly.covariances import FEATURES, floor_eigenvalues, full_matrices, pairs, quadratic_form
from scripts.anomaly.normative import MIRROR_SIGNS


def symmetric(count: int, several: int = 30) -> np.ndarray:
    """Positive matrices (several, count, count), 0 between residual and asymmetry."""
    root = np.random.default_rng(count).normal(size=(several, count, count))
    root[:, 3:, :3] = root[:, :3, 3:] = 0
    return root @ root.transpose(0, 2, 1)


def test_a_covariance_is_the_upper_triangle_of_the_residual_s_row_by_row_and_the_asymmetry_s() -> None:
    assert pairs(3) == ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    assert pairs(4) == (*pairs(3), (3, 3))
    assert len(MIRROR_SIGNS) == FEATURES
    for count in range(1, FEATURES + 1):
        full = symmetric(count)
        np.testing.assert_array_equal(full_matrices(np.stack([full[:, i, j] for i, j in pairs(count)])), full)


def test_eigenvalues_are_raised_and_the_rest_is_left() -> None:
    six = np.array([[9.0, 4.0], [0, 0], [0, 0], [0.01, 5], [0, 0], [0.5, 6]])
    raised = floor_eigenvalues(six, 1.0)
    np.testing.assert_allclose(full_matrices(raised)[0], np.diag([9, 1, 1]), atol=1e-12)
    np.testing.assert_allclose(raised[:, 1], six[:, 1], atol=1e-12)
    thin = floor_eigenvalues(np.array([1.0, 1, 1, 1, 1, 1]), 0.5)
    np.testing.assert_allclose(np.linalg.eigvalsh(full_matrices(thin)), [0.5, 0.5, 3], atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_eigenvalues_are_raised_whatever_the_number_of_features(count: int) -> None:
    full = symmetric(count)
    values, vectors = np.linalg.eigh(full)
    raised = full_matrices(floor_eigenvalues(np.stack([full[:, i, j] for i, j in pairs(count)]), 0.8))
    np.testing.assert_allclose(np.linalg.eigvalsh(raised), np.maximum(values, 0.8), rtol=1e-9)
    expected = [v @ np.diag(np.maximum(e, 0.8)) @ v.T for e, v in zip(values, vectors, strict=True)]
    np.testing.assert_allclose(raised, expected, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_quadratic_form_is_that_of_the_inverse(count: int) -> None:
    vectors, full = np.random.default_rng(3).normal(size=(count, 20)), symmetric(count, 20) + np.eye(count)
    numbers = np.stack([full[:, i, j] for i, j in pairs(count)])
    expected = [v @ np.linalg.solve(s, v) for v, s in zip(vectors.T, full, strict=True)]
    np.testing.assert_allclose(quadratic_form(vectors, numbers), expected)
