"""Sampling along an affine map against scipy, in slabs, and outside the volume."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scripts.simulation.scanner import sampling


@pytest.mark.parametrize(("mode", "order"), [("bilinear", 1), ("nearest", 0)])
def test_sampling_agrees_with_scipy(monkeypatch: pytest.MonkeyPatch, mode: str, order: int) -> None:
    rng = np.random.default_rng(0)
    volume = rng.standard_normal((13, 17, 11)).astype(np.float32)
    matrix = np.eye(4)
    matrix[:3] = np.hstack([np.diag([0.8, 1.1, 0.9]) + rng.uniform(-0.1, 0.1, (3, 3)), [[1.3], [-2.1], [0.7]]])
    i, j, k = np.arange(15.0), np.arange(16.0), np.array([0.0, 0.4, 3.0, 9.5])
    grid = np.stack(np.meshgrid(i, j, k, indexing="ij")).reshape(3, -1)
    wanted = ndimage.map_coordinates(volume, matrix[:3, :3] @ grid + matrix[:3, 3:], order=order, mode="nearest")
    whole = sampling.sample(volume, matrix, (i, j, k), mode)
    monkeypatch.setattr(sampling, "SLAB_VOXELS", 100)
    slabs = sampling.sample(volume, matrix, (i, j, k), mode)
    np.testing.assert_allclose(whole.ravel(), wanted, atol=1e-4)
    np.testing.assert_array_equal(slabs, whole)


def test_what_is_unknown_stays_unknown() -> None:
    volume = np.ones((6, 6, 6), dtype=np.float32)
    volume[:, :, :2] = np.nan
    i = np.arange(6.0)
    found = sampling.sample(volume, np.eye(4), (i, i, i + 0.5))
    assert np.isnan(found[:, :, :2]).all()
    assert (found[:, :, 2:] == 1).all()
