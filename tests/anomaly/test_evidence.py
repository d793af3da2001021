"""The formula of anomaly by position: mirror images, one-sided oddity, scores."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.anomaly.evidence import features_of, one_sided, smoothed, top_mean

RNG = np.random.default_rng(0)


def test_features_are_averaged_over_what_is_known() -> None:
    evidence = np.zeros((2, 20, 20, 20), np.float32)
    evidence[0] = 5
    evidence[1, 10, 10, 10] = 1
    inside = np.ones((20, 20, 20), bool)
    inside[:3] = False
    evidence[:, :, :, 17:] = np.nan
    found = features_of(evidence, inside)
    known = inside & np.isfinite(evidence[0])
    assert (np.isfinite(found[0]) == known).all()
    np.testing.assert_allclose(found[0][known], 5, rtol=1e-5)
    assert found[1][known].sum() == pytest.approx(1, rel=0.02), "a Gaussian moves, it does not add"
    assert 0 < found[1, 10, 10, 10] < 0.2


def test_one_sided_oddity_is_what_exceeds_the_mirror_place() -> None:
    oddity = np.full((4, 1, 1), 2, np.float32)
    oddity[0], oddity[1] = 5, np.nan
    assert one_sided(oddity)[:, 0, 0].tolist() == pytest.approx([3, np.nan, 0, 0], nan_ok=True)
    even = RNG.random((8, 3, 3)).astype(np.float32)
    assert not one_sided(even + even[::-1]).any()


def test_the_score_is_the_mean_of_the_highest_percent() -> None:
    values = np.arange(1000, dtype=np.float32).reshape(10, 10, 10)
    values[0, 0] = np.nan
    region = np.ones(values.shape, bool)
    region[9] = False
    assert top_mean(values, region) == pytest.approx(np.mean(np.arange(891, 900)))
    assert top_mean(values, np.zeros_like(region)) is None


def test_maps_are_smoothed_where_they_are_known() -> None:
    values = np.full((9, 9, 9), 4, np.float32)
    values[:2] = np.nan
    found = smoothed(values)
    assert np.isnan(found[:2]).all()
    np.testing.assert_allclose(found[2:], 4, rtol=1e-5)
