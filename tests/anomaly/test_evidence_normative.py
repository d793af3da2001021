"""Normative of the evidence: sums by a slow loop, distances by matrix algebra, symmetry, ridge."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.anomaly import evidence_normative as module
from scripts.anomaly.evidence_normative import (
    HALF,
    EvidenceStatistics,
    mirror_signs,
    oddity,
    smoothed,
    turned,
    whitening,
)

ALL = mirror_signs(range(20))
KEPT = (0, 1, 3)
SIGNS = mirror_signs(KEPT)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A half of 3 x 4 x 5 places, so that loops are quick."""
    monkeypatch.setattr(module, "HALF", (slice(32, 35), slice(20, 24), slice(30, 35)))


def scan(seed: int) -> NDArray[np.float32]:
    """Features (20, 64, 64, 64); the fourth follows the second."""
    found = np.random.default_rng(seed).normal(size=(20, 64, 64, 64)).astype(np.float32)
    found[3] = 0.5 * found[1] + 0.1 * found[3]
    found[2, 33, 21, 31] = np.nan
    return found


def test_sums_are_those_of_scan_and_mirror_image() -> None:
    statistics = EvidenceStatistics(ALL)
    statistics.add(scan(0))
    place = (32, 20, 30)
    both = [scan(0)[:, *place], turned(scan(0), ALL)[:, *place]]
    assert statistics.sums[0, 0, 0, 0] == 2
    np.testing.assert_allclose(statistics.sums[1:21, 0, 0, 0], sum(both), rtol=1e-5)
    channel = 21 + module.pairs(20).index((0, 3))
    np.testing.assert_allclose(statistics.sums[channel, 0, 0, 0], sum(f[0] * f[3] for f in both), rtol=1e-4)
    assert statistics.sums[0, 1, 1, 1] == 1, "one of the two is not known"


def test_the_mirror_image_turns_residuals_along_x_and_is_its_own_inverse() -> None:
    image = turned(scan(3), ALL)
    for index in range(20):
        sign = -1 if index % 5 == 0 else 1
        np.testing.assert_array_equal(image[index], sign * scan(3)[index, ::-1])
    np.testing.assert_array_equal(turned(image, ALL), scan(3))


def test_a_density_keeps_its_sign_in_the_mirror_image() -> None:
    """With the sign of a residual its mean would be 0, and its spread its size."""
    statistics = EvidenceStatistics(np.ones(1))
    for seed in range(8):
        statistics.add(33 + scan(seed)[:1])
    normative = statistics.finish()
    np.testing.assert_allclose(normative.mean, 33, atol=2)
    assert (normative.covariance < 3).all()


def test_only_keeps_the_sums_of_some_features() -> None:
    statistics, few = EvidenceStatistics(ALL), EvidenceStatistics(SIGNS)
    statistics.add(scan(1))
    few.sums[:] = 0
    kept = statistics.only(KEPT)
    assert kept.features == 3
    np.testing.assert_array_equal(kept.sums[1:4], statistics.sums[[1, 2, 4]])
    for number, (i, j) in enumerate(module.pairs(3)):
        channel = 21 + module.pairs(20).index((KEPT[i], KEPT[j]))
        np.testing.assert_array_equal(kept.sums[4 + number], statistics.sums[channel])


def test_another_number_of_features_and_no_scan_are_refused() -> None:
    with pytest.raises(ValueError, match="3 features are needed"):
        EvidenceStatistics(SIGNS).add(scan(0))
    with pytest.raises(ValueError, match="needs healthy scans"):
        EvidenceStatistics(SIGNS).finish()


def test_distances_are_those_of_matrix_algebra() -> None:
    matrix = np.array([[4.0, 1.0], [1.0, 2.0]])
    found = whitening(matrix[None], ridge=0.1)[0]
    raised = matrix + np.diag([0.4, 0.2])
    np.testing.assert_allclose(found.T @ found, np.linalg.inv(raised), rtol=1e-4)


def test_oddity_sees_what_healthy_scans_do_not_do_on_either_side() -> None:
    statistics = EvidenceStatistics(ALL)
    for seed in range(30):
        statistics.add(scan(seed))
    normative = statistics.only(KEPT).finish()
    assert normative.known.all()
    features = scan(100)[list(KEPT)]
    usual = oddity(features, normative)
    left = tuple(slice(29, 32) if axis == 0 else part for axis, part in enumerate(module.HALF))
    assert np.isfinite(usual).sum() == 2 * 3 * 4 * 5
    assert np.isfinite(usual[left]).all()
    assert 1 < np.nanmean(usual) < 2.2, "the root of about three"
    odd = features.copy()
    odd[1, 30, 21, 32] = 3
    odd[2, 30, 21, 32] = -3  # each is in the range, together they are not
    assert oddity(odd, normative)[30, 21, 32] > 8
    image = turned(scan(100), ALL)[list(KEPT)]
    np.testing.assert_allclose(oddity(image, normative), usual[::-1], rtol=1e-4)


def test_smoothing_goes_on_across_the_mid_plane_with_the_sign() -> None:
    values = np.ones((2, 6, 5, 5))
    even, odd = smoothed(values, np.array([1.0, -1.0]), 5.0)
    assert even[0].max() == pytest.approx(even[2].max(), rel=0.1)
    assert odd[0].max() < 0.6 * even[0].max()
    assert odd[5].max() == pytest.approx(even[5].max(), rel=1e-3)


def test_the_half_and_its_mirror_image_are_the_box() -> None:
    assert (HALF[0].start, 63 - (HALF[0].stop - 1)) == (32, module.BOX[0].start)
    assert module.BOX[0].stop == HALF[0].stop
