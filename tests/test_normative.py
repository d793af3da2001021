"""The normative and the distance from it, against loops and matrix algebra on small grids."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from scripts import normative
from scripts.coordinates import POSITION_SCALE_MM, error_map, positions
from scripts.normative import (
    FULL,
    LEAST_COUNT,
    LEAST_SD_MM,
    Normative,
    NormativeStatistics,
    floor_eigenvalues,
    known_at,
    mahalanobis,
    mirrored,
    on_grid,
    quadratic_form,
    residual,
    smooth_map,
)

N = 8
SPREAD = np.array([[4.0, 0, 0], [2.0, 3, 0], [-1.0, 1, 2]])
TRUE_COVARIANCE = SPREAD @ SPREAD.T
TRUE_MEAN = np.array([1.0, -2.0, 3.0])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of eight places a side."""
    monkeypatch.setattr(normative, "GRID_SIZE", N)


def draws(count: int, seed: int = 0) -> np.ndarray:
    """Residuals (count, 3, N, N, N) with the mean and the covariance above everywhere."""
    rng = np.random.default_rng(seed)
    return np.einsum("ij,sjxyz->sixyz", SPREAD, rng.normal(size=(count, 3, N, N, N))) + TRUE_MEAN[:, None, None, None]


def matrices(six: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) of six numbers (6, ...)."""
    return np.moveaxis(six[np.array(FULL)], (0, 1), (-2, -1))


def flat(mean: np.ndarray, covariance: np.ndarray, size: int = N) -> Normative:
    """A normative that is the same everywhere."""
    six = np.array([covariance[i, j] for i, j in normative.PAIRS])
    ones = np.ones((1, size, size, size), np.float32)
    return Normative(
        np.float32(mean)[:, None, None, None] * ones, np.float32(six)[:, None, None, None] * ones, 100 * ones[0]
    )


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_residual_is_signed_and_its_length_is_the_error_map(stride: int) -> None:
    true = positions((5, 4, 3), stride)
    shift = torch.tensor([3.0, -4.0, 12.0])[:, None, None, None] / 255
    found = residual((true + shift).numpy(), stride)
    np.testing.assert_allclose(found[:, 2, 1, 0], [3, -4, 12], atol=1e-4)
    error = error_map((true + shift)[None], stride)[0, 0] * POSITION_SCALE_MM
    np.testing.assert_allclose(np.linalg.norm(found, axis=0), error, atol=1e-3)
    with pytest.raises(ValueError, match=r"must be \(3, n, n, n\), got \(5, 4, 3\)"):
        residual(true[0].numpy(), stride)


def test_the_grid_is_every_fourth_voxel_of_any_stride() -> None:
    voxels = np.arange(16)
    for stride in (1, 2, 4):
        line = voxels[::stride]
        values = np.stack(np.meshgrid(line, line, line, indexing="ij"))
        assert on_grid(values, stride)[0, :, 0, 0].tolist() == [0, 4, 8, 12]
        assert on_grid(values, stride).shape == (3, 4, 4, 4)
    with pytest.raises(ValueError, match="must divide 4, got 3"):
        on_grid(np.zeros((8, 8, 8)), 3)


def test_the_mirror_image_lies_at_most_a_voxel_beside_where_it_belongs() -> None:
    rng = np.random.default_rng(0)
    values, inside = rng.normal(size=(3, 64, 64, 64)), rng.random((64, 64, 64)) > 0.5
    flipped, there = mirrored(values, inside)
    for place in range(1, 64):
        before = 64 - place
        assert abs(4 * place - (255 - 4 * before)) == 1
        np.testing.assert_array_equal(flipped[:, place], values[:, before] * np.array([-1, 1, 1])[:, None, None])
        np.testing.assert_array_equal(there[place], inside[before])
    assert not there[0].any()
    back, again = mirrored(flipped, there)
    np.testing.assert_array_equal(back[:, 1:], values[:, 1:])
    np.testing.assert_array_equal(again[1:], inside[1:])


@pytest.mark.usefixtures("small")
def test_the_sums_by_a_loop() -> None:
    scans = draws(3)
    scans[1, 2, 4, 5, 6] = np.nan
    inside = np.random.default_rng(1).random((3, N, N, N)) > 0.3
    statistics = NormativeStatistics()
    for scan, mask in zip(scans, inside, strict=True):
        statistics.add(scan, mask, mirror=False)
    for index in product(range(N), repeat=3):
        here = [
            s[:, *index] for s, m in zip(scans, inside, strict=True) if m[index] and np.isfinite(s[:, *index]).all()
        ]
        assert statistics.sums[0][index] == len(here)
        total = sum(here, np.zeros(3))
        np.testing.assert_allclose(statistics.sums[1:4, *index], total)
        outer = sum((np.outer(v, v) for v in here), np.zeros((3, 3)))
        np.testing.assert_allclose(matrices(statistics.sums[4:])[index], outer)


@pytest.mark.usefixtures("small")
def test_the_mean_and_the_covariance_of_many_scans_are_the_true_ones() -> None:
    statistics = NormativeStatistics()
    for scan in draws(300):
        statistics.add(scan, np.ones((N, N, N), bool), mirror=False)
    found = statistics.finish()
    middle = np.s_[:, 2:6, 2:6, 2:6]
    np.testing.assert_allclose(found.mean[middle].mean(axis=(1, 2, 3)), TRUE_MEAN, atol=0.1)
    np.testing.assert_allclose(matrices(found.covariance[middle]).mean(axis=(0, 1, 2)), TRUE_COVARIANCE, atol=0.4)
    assert found.count[4, 4, 4] == pytest.approx(300, rel=0.02)


@pytest.mark.usefixtures("small")
def test_mirror_images_make_the_normative_symmetric() -> None:
    statistics, inside = NormativeStatistics(), np.ones((N, N, N), bool)
    inside[0] = False  # air, which has no mirror image on the grid
    for scan in draws(5):
        statistics.add(scan, inside)
    found = statistics.finish()
    for place in range(1, N):
        np.testing.assert_allclose(found.mean[0, place], -found.mean[0, N - place], atol=1e-5)
        np.testing.assert_allclose(found.mean[1:, place], found.mean[1:, N - place], atol=1e-5)
        signs = np.array([1, -1, -1, 1, 1, 1])[:, None, None]
        np.testing.assert_allclose(found.covariance[:, place], signs * found.covariance[:, N - place], rtol=1e-4)


@pytest.mark.usefixtures("small")
def test_a_scan_can_be_taken_out_again() -> None:
    scans, inside = draws(4), np.ones((N, N, N), bool)
    every, three, one = NormativeStatistics(), NormativeStatistics(), NormativeStatistics()
    for scan in scans:
        every.add(scan, inside)
    for scan in scans[:3]:
        three.add(scan, inside)
    one.add(scans[3], inside)
    np.testing.assert_allclose(every.sums - one.sums, three.sums, atol=1e-9)
    difference = NormativeStatistics(every.sums - one.sums).finish()
    np.testing.assert_allclose(difference.covariance, three.finish().covariance, rtol=1e-5)


@pytest.mark.usefixtures("small")
def test_few_scans_are_drawn_toward_what_is_around_them() -> None:
    """One half has three hundred scans and a wide spread, one place of the other half two equal scans."""
    statistics, left = NormativeStatistics(), np.zeros((N, N, N), bool)
    left[:4] = True
    for scan in draws(50):
        statistics.add(scan, left, mirror=False)
    lonely = np.zeros((N, N, N), bool)
    lonely[7, 7, 7] = True
    for _ in range(2):
        statistics.add(np.zeros((3, N, N, N)), lonely, mirror=False)
    found = statistics.finish()
    alone, usual = matrices(found.covariance)[7, 7, 7], matrices(found.covariance)[2, 4, 4]
    assert np.trace(alone) > 0.4 * np.trace(usual), "two scans that agree do not make a place certain"
    assert (np.linalg.eigvalsh(matrices(found.covariance)) >= LEAST_SD_MM**2 * 0.999).all()
    assert found.known[2, 4, 4]
    assert not found.known[7, 0, 0]
    assert np.isfinite(found.mean).all()


def test_no_scan_is_no_normative() -> None:
    with pytest.raises(ValueError, match="needs healthy scans, got none"):
        NormativeStatistics().finish()
    with pytest.raises(ValueError, match=r"grid of \[64, 64, 64\] places are needed, got \(3, 4, 4, 4\)"):
        NormativeStatistics().add(np.zeros((3, 4, 4, 4)), np.ones((4, 4, 4), bool))


def test_eigenvalues_are_raised_and_the_rest_is_left() -> None:
    six = np.array([[9.0, 4.0], [0, 0], [0, 0], [0.01, 5], [0, 0], [0.5, 6]])
    raised = floor_eigenvalues(six, 1.0)
    np.testing.assert_allclose(matrices(raised)[0], np.diag([9, 1, 1]), atol=1e-12)
    np.testing.assert_allclose(raised[:, 1], six[:, 1], atol=1e-12)
    thin = floor_eigenvalues(np.array([1.0, 1, 1, 1, 1, 1]), 0.5)
    np.testing.assert_allclose(np.linalg.eigvalsh(matrices(thin)), [0.5, 0.5, 3], atol=1e-9)


def test_the_quadratic_form_is_that_of_the_inverse() -> None:
    rng = np.random.default_rng(3)
    vectors, roots = rng.normal(size=(3, 20)), rng.normal(size=(20, 3, 3))
    full = roots @ roots.transpose(0, 2, 1) + np.eye(3)
    six = np.stack([full[:, i, j] for i, j in normative.PAIRS])
    expected = [v @ np.linalg.inv(s) @ v for v, s in zip(vectors.T, full, strict=True)]
    np.testing.assert_allclose(quadratic_form(vectors, six), expected)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_distance_by_matrix_algebra(stride: int) -> None:
    count = N * 4 // stride
    values = np.random.default_rng(4).normal(0, 5, (3, count, count, count)).astype(np.float32)
    values[1, 0, 1, 2] = np.nan
    inside = np.ones((count, count, count), bool)
    inside[3] = False
    distances = mahalanobis(values, inside, flat(TRUE_MEAN, TRUE_COVARIANCE), stride)
    assert distances.dtype == np.float32
    assert distances[0, 1, 2] == 0
    assert (distances[3] == 0).all()
    inverse = np.linalg.inv(TRUE_COVARIANCE)
    for index in ((0, 0, 0), (1, 2, 3), (count - 1,) * 3):
        off = values[:, *index] - TRUE_MEAN
        assert distances[index] == pytest.approx(np.sqrt(off @ inverse @ off), rel=1e-4)


def test_healthy_residuals_have_the_distances_of_theory() -> None:
    """Squared distances from one's own normal distribution are chi-squared with three degrees of freedom."""
    values = draws(1)[0]
    squared = mahalanobis(values, np.ones((N, N, N), bool), flat(TRUE_MEAN, TRUE_COVARIANCE), 4) ** 2
    assert squared.mean() == pytest.approx(3, abs=0.3)
    assert (squared > 7.815).mean() == pytest.approx(0.05, abs=0.03)


def test_between_places_the_normative_is_interpolated() -> None:
    base = flat(np.zeros(3), np.eye(3))
    ramp = base.mean.copy()
    ramp[0] = 8 * np.arange(N)[:, None, None]
    values = np.zeros((3, 2 * N, 2 * N, 2 * N), np.float32)
    distances = mahalanobis(values, np.ones(values.shape[1:], bool), Normative(ramp, base.covariance, base.count), 2)
    np.testing.assert_allclose(distances[:-1, 3, 3], 4 * np.arange(2 * N - 1), atol=1e-4)


def test_where_healthy_scans_say_nothing_the_distance_is_0() -> None:
    base = flat(np.zeros(3), np.eye(3))
    count = base.count.copy()
    count[2] = LEAST_COUNT - 0.1
    partial = Normative(base.mean, base.covariance, count)
    distances = mahalanobis(np.full((3, 2 * N, N, N), 5, np.float32), np.ones((2 * N, N, N), bool), partial, 2)
    known = known_at((2 * N, N, N), partial, 2)
    assert np.flatnonzero(~known[:, 0, 0]).tolist() == [3, 4]
    assert ((distances > 0) == known).all()


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        mahalanobis(np.zeros((3, 4, 4, 4)), np.ones((5, 4, 4), bool), flat(np.zeros(3), np.eye(3)), 4)


def test_a_smoothed_map_stays_inside_and_keeps_constants() -> None:
    inside = np.zeros((12, 12, 12), bool)
    inside[2:9, 3:, 1:11] = True
    constant = np.where(inside, 7, 0).astype(np.float32)
    smoothed = smooth_map(constant, inside, 4.0, 2)
    np.testing.assert_allclose(smoothed, constant, rtol=1e-5)
    spike = np.zeros_like(constant)
    spike[5, 5, 5] = 100
    assert 0 < smooth_map(spike, inside, 4.0, 2)[5, 5, 5] < 20
    assert smooth_map(spike, inside, 0, 2) is spike
