"""The post-filters against slow loops, and what they are for: thin shells go, thick blobs stay."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.baseline import filters as postfilters
from scripts.baseline.filters import grayscale_erosion, median_filter


def around(values: NDArray[np.float32], index: tuple[int, ...], size: int) -> NDArray[np.float32]:
    """The values in the cube around a voxel; the border's value goes on beyond it."""
    reach = range(-(size // 2), size // 2 + 1)
    limits = [n - 1 for n in values.shape]
    found = [
        values[tuple(min(max(a + b, 0), m) for a, b, m in zip(index, (i, j, k), limits, strict=True))]
        for i in reach
        for j in reach
        for k in reach
    ]
    return np.array(found, np.float32)


@pytest.mark.parametrize("size", [1, 3, 5])
def test_both_by_a_slow_loop(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postfilters, "CHUNK", 7)
    values = np.random.default_rng(0).random((6, 5, 7), np.float32)
    wanted = values > 0.6
    eroded, medians = grayscale_erosion(values, size), median_filter(values, wanted, size)
    for index in np.ndindex(*values.shape):
        cube = around(values, index, size)
        assert eroded[index] == cube.min()
        assert medians[index] == (np.median(cube) if wanted[index] else 0)


def test_a_shell_of_four_voxels_goes_and_a_blob_of_five_stays() -> None:
    values = np.zeros((15, 15, 15), np.float32)
    values[2:6] = 1
    values[9:14, 5:10, 5:10] = 1
    eroded = grayscale_erosion(values)
    assert np.argwhere(eroded == 1).tolist() == [[11, 7, 7]]


def test_wrong_sizes_and_shapes_are_refused() -> None:
    values = np.zeros((3, 3, 3), np.float32)
    with pytest.raises(ValueError, match="odd and positive, so that a voxel is central, got 4"):
        grayscale_erosion(values, 4)
    with pytest.raises(ValueError, match="odd and positive"):
        median_filter(values, values > 0, 0)
    with pytest.raises(ValueError, match="must share a shape"):
        median_filter(values, np.ones((3, 3, 4), bool))
