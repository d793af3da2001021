"""The normative and the distance from it, against loops and matrix algebra on small grids."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from scripts.anomaly import normative
from scripts.anomaly.covariances import ASYMMETRY, FEATURES, RESIDUAL, full_matrices, pairs
from scripts.anomaly.normative import (
    LEAST_COUNT,
    LEAST_SD_MM,
    Normative,
    NormativeStatistics,
    channels_of,
    features_of,
    known_at,
    mahalanobis,
    mirrored,
    on_grid,
    residual,
    smooth_map,
)
from scripts.geometry.coordinates import POSITION_SCALE_MM, error_map, positions

N = 8
SPREAD = np.array([[4.0, 0, 0, 0], [2.0, 3, 0, 0], [-1.0, 1, 2, 0], [0, 0, 0, 1.5]])
TRUE_COVARIANCE = SPREAD @ SPREAD.T
TRUE_MEAN = np.array([1.0, -2.0, 3.0, 0.5])


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of eight places a side."""
    monkeypatch.setattr(normative, "GRID_SIZE", N)


def draws(count: int, seed: int = 0) -> np.ndarray:
    """Features (count, 4, N, N, N) with the mean and the covariance above everywhere."""
    normal = np.random.default_rng(seed).normal(size=(count, FEATURES, N, N, N))
    return np.einsum("ij,sjxyz->sixyz", SPREAD, normal) + TRUE_MEAN[:, None, None, None]


def flat(mean: np.ndarray, covariance: np.ndarray, size: int = N) -> Normative:
    """A normative that is the same everywhere."""
    numbers = np.array([covariance[i, j] for i, j in pairs(len(mean))])
    ones = np.ones((1, size, size, size), np.float32)
    return Normative(
        np.float32(mean)[:, None, None, None] * ones, np.float32(numbers)[:, None, None, None] * ones, 100 * ones[0]
    )


def test_sums_are_a_count_the_features_and_their_products() -> None:
    assert [channels_of(count) for count in (1, 2, 3, 4)] == [3, 6, 10, 12]


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


@pytest.mark.parametrize("signs", [(-1, 1, 1), (-1, 1, 1, 1)])
def test_the_mirror_image_lies_at_most_a_voxel_beside_where_it_belongs(signs: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    values, inside = rng.normal(size=(len(signs), 64, 64, 64)), rng.random((64, 64, 64)) > 0.5
    flipped, there = mirrored(values, inside)
    for place in range(1, 64):
        before = 64 - place
        assert abs(4 * place - (255 - 4 * before)) == 1
        np.testing.assert_array_equal(flipped[:, place], values[:, before] * np.array(signs)[:, None, None])
        np.testing.assert_array_equal(there[place], inside[before])
    assert not there[0].any()
    back, again = mirrored(flipped, there)
    np.testing.assert_array_equal(back[:, 1:], values[:, 1:])
    np.testing.assert_array_equal(again[1:], inside[1:])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [3, 4])
def test_the_sums_by_a_loop(count: int) -> None:
    scans = draws(3)[:, :count]
    scans[1, 2, 4, 5, 6] = np.nan
    inside = np.random.default_rng(1).random((3, N, N, N)) > 0.3
    statistics = NormativeStatistics(features=count)
    for scan, mask in zip(scans, inside, strict=True):
        statistics.add(scan, mask, mirror=False)
    for index in product(range(N), repeat=3):
        here = [
            s[:, *index] for s, m in zip(scans, inside, strict=True) if m[index] and np.isfinite(s[:, *index]).all()
        ]
        assert statistics.sums[0][index] == len(here)
        total = sum(here, np.zeros(count))
        np.testing.assert_allclose(statistics.sums[1 : 1 + count, *index], total)
        outer = sum((np.outer(v, v) for v in here), np.zeros((count, count)))
        outer[3:, :3] = outer[:3, 3:] = 0
        np.testing.assert_allclose(full_matrices(statistics.sums[1 + count :, *index]), outer)


@pytest.mark.usefixtures("small")
def test_the_mean_and_the_covariance_of_many_scans_are_the_true_ones() -> None:
    statistics = NormativeStatistics()
    for scan in draws(300):
        statistics.add(scan, np.ones((N, N, N), bool), mirror=False)
    found = statistics.finish()
    middle = np.s_[:, 2:6, 2:6, 2:6]
    np.testing.assert_allclose(found.mean[middle].mean(axis=(1, 2, 3)), TRUE_MEAN, atol=0.1)
    np.testing.assert_allclose(full_matrices(found.covariance[middle]).mean(axis=(0, 1, 2)), TRUE_COVARIANCE, atol=0.4)
    assert found.count[4, 4, 4] == pytest.approx(300, rel=0.02)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [3, 4])
def test_mirror_images_make_the_normative_symmetric(count: int) -> None:
    statistics, inside = NormativeStatistics(features=count), np.ones((N, N, N), bool)
    inside[0] = False  # air, which has no mirror image on the grid
    for scan in draws(5)[:, :count]:
        statistics.add(scan, inside)
    found = statistics.finish()
    signs = np.array([-1, 1, 1, 1])[:count]
    both = np.array([signs[i] * signs[j] for i, j in pairs(count)])[:, None, None]
    for place in range(1, N):
        mirror_mean = signs[:, None, None] * found.mean[:, N - place]
        np.testing.assert_allclose(found.mean[:, place], mirror_mean, atol=1e-5)
        np.testing.assert_allclose(found.covariance[:, place], both * found.covariance[:, N - place], atol=1e-4)


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
        statistics.add(np.zeros((FEATURES, N, N, N)), lonely, mirror=False)
    found = statistics.finish()
    alone, usual = full_matrices(found.covariance)[7, 7, 7], full_matrices(found.covariance)[2, 4, 4]
    assert np.trace(alone) > 0.4 * np.trace(usual), "two scans that agree do not make a place certain"
    assert (np.linalg.eigvalsh(full_matrices(found.covariance)) >= LEAST_SD_MM**2 * 0.999).all()
    assert found.known[2, 4, 4]
    assert not found.known[7, 0, 0]
    assert np.isfinite(found.mean).all()


def test_no_scan_is_no_normative() -> None:
    with pytest.raises(ValueError, match="needs healthy scans, got none"):
        NormativeStatistics().finish()
    for count, given in ((FEATURES, (4, 4, 4, 4)), (FEATURES, (3, 64, 64, 64)), (3, (4, 64, 64, 64))):
        shape = ", ".join(map(str, given))
        with pytest.raises(
            ValueError, match=rf"^{count} features .* grid of \[64, 64, 64\] places are needed, got \({shape}\)"
        ):
            NormativeStatistics(features=count).add(np.zeros(given), np.ones(given[1:], bool))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kept", [RESIDUAL, ASYMMETRY])
def test_the_normative_of_some_features_is_their_marginal(kept: tuple[int, ...]) -> None:
    statistics = NormativeStatistics()
    for scan in draws(4):
        statistics.add(scan, np.ones((N, N, N), bool))
    whole = statistics.finish()
    part = whole.only(kept)
    np.testing.assert_array_equal(part.mean, whole.mean[list(kept)])
    np.testing.assert_array_equal(
        full_matrices(part.covariance), full_matrices(whole.covariance)[..., kept, :][..., kept]
    )
    np.testing.assert_array_equal(part.count, whole.count)
    values, inside = draws(1, 5)[0].astype(np.float32), np.ones((N, N, N), bool)
    alone = mahalanobis(values[list(kept)], inside, part, 4)
    assert (alone <= mahalanobis(values, inside, whole, 4) + 1e-4).all(), "more features, never a smaller distance"


def test_features_are_the_residual_averaged_inside_the_head_and_the_asymmetry() -> None:
    rng = np.random.default_rng(0)
    residual_mm, across = rng.normal(size=(3, 16, 16, 16)).astype(np.float32), rng.normal(size=(16, 16, 16))
    inside = np.zeros((16, 16, 16), bool)
    inside[3:12, 2:, 4:15] = True
    residual_mm[1, 5, 6, 7], residual_mm[:, 0] = np.nan, 1000
    found = features_of(residual_mm, across, inside, 2)
    known = inside.copy()
    known[5, 6, 7] = False
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(found), np.broadcast_to(known, found.shape))
    np.testing.assert_array_equal(found[3][known], across.astype(np.float32)[known])
    axis = 2.0 * np.arange(16)
    for place in ((3, 2, 4), (8, 8, 8), (5, 6, 8)):
        distance = np.sqrt(sum((axis - axis[i]).reshape(np.roll((16, 1, 1), a)) ** 2 for a, i in enumerate(place)))
        weight = np.exp(-(distance**2) / 50) * known
        expected = (np.where(known, residual_mm, 0) * weight).sum(axis=(1, 2, 3)) / weight.sum()
        np.testing.assert_allclose(found[:3, *place], expected, atol=0.01)
    constant = features_of(np.full((3, 16, 16, 16), 7.0), across, inside, 2)
    np.testing.assert_allclose(constant[:3, inside], 7, rtol=1e-5)


@pytest.mark.parametrize("features", [3, 4])
@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_distance_by_matrix_algebra(stride: int, features: int) -> None:
    count = N * 4 // stride
    mean, covariance = TRUE_MEAN[:features], TRUE_COVARIANCE[:features, :features]
    values = np.random.default_rng(4).normal(0, 5, (features, count, count, count)).astype(np.float32)
    values[1, 0, 1, 2] = np.nan
    inside = np.ones((count, count, count), bool)
    inside[3] = False
    distances = mahalanobis(values, inside, flat(mean, covariance), stride)
    assert distances.dtype == np.float32
    assert distances[0, 1, 2] == 0
    assert (distances[3] == 0).all()
    inverse = np.linalg.inv(covariance)
    for index in ((0, 0, 0), (1, 2, 3), (count - 1,) * 3):
        off = values[:, *index] - mean
        assert distances[index] == pytest.approx(np.sqrt(off @ inverse @ off), rel=1e-4)


def test_healthy_features_have_the_distances_of_theory() -> None:
    """Squared distances from one's own normal distribution are chi-squared with four degrees of freedom."""
    values = draws(1)[0]
    squared = mahalanobis(values, np.ones((N, N, N), bool), flat(TRUE_MEAN, TRUE_COVARIANCE), 4) ** 2
    assert squared.mean() == pytest.approx(4, abs=0.3)
    assert (squared > 9.488).mean() == pytest.approx(0.05, abs=0.03)


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
    judge = flat(np.zeros(3), np.eye(3))
    for shape, inside in (((3, 4, 4, 4), (5, 4, 4)), ((4, 4, 4, 4), (4, 4, 4))):
        with pytest.raises(ValueError, match=r"^3 features on the grid of the mask are needed: \("):
            mahalanobis(np.zeros(shape), np.ones(inside, bool), judge, 4)


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
