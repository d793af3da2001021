"""The published autoencoder's maps, against loops and against the maps of the detection benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from cohort_scans import ball
from numpy.typing import NDArray

from cohort.maps import filtered_maps
from scripts.baseline import maps as postfilters
from scripts.baseline.maps import PERCENT, box_of, filtered, grayscale_erosion, median_filter, residual_percent
from scripts.preprocessing.regions import SKULL


def test_a_box_is_three_slices() -> None:
    assert box_of([1, 2, 3], [4, 5, 6], (4, 5, 6)) == (slice(1, 4), slice(2, 5), slice(3, 6))


@pytest.mark.parametrize(
    ("start", "end"), [([0, 0, 0], [4, 5, 7]), ([2, 0, 0], [2, 5, 6]), ([-1, 0, 0], [4, 5, 6]), ([0, 0], [4, 5])]
)
def test_a_box_lies_in_the_grid(start: list[int], end: list[int]) -> None:
    with pytest.raises(ValueError, match=r"a box must lie in the grid \[4, 5, 6\], got"):
        box_of(start, end, (4, 5, 6))


def test_the_residual_is_in_percent_and_0_where_nothing_is_known() -> None:
    grey = np.array([[[0.5, 0.25, 0.5, 0.5]]])
    reconstructed = np.array([[[0.75, 0.0, np.nan, 0.0]]])
    inside = np.array([[[True, True, True, False]]])
    found = residual_percent(grey, reconstructed, inside)
    assert found.tolist() == [[[25, 25, 0, 0]]]
    assert found.dtype == np.float32


@pytest.mark.parametrize("size", [3, 5])
def test_filters_by_a_loop(size: int) -> None:
    rng = np.random.default_rng(size)
    residual = rng.random((8, 9, 7)).astype(np.float32)
    regions = rng.integers(0, 4, residual.shape).astype(np.uint8)
    found, padded = filtered(residual, regions, size), np.pad(residual, size // 2, mode="edge")
    for i, j, k in np.ndindex(residual.shape):
        cube = padded[i : i + size, j : j + size, k : k + size]
        expected = np.median(cube) if regions[i, j, k] == SKULL else cube.min()
        assert found[i, j, k] == pytest.approx(expected)


def test_filters_need_an_odd_size_and_one_shape() -> None:
    values = np.zeros((4, 4, 4), np.float32)
    with pytest.raises(ValueError, match="size must be odd"):
        filtered(values, np.zeros((4, 4, 4), np.uint8), 4)
    with pytest.raises(ValueError, match="must share a shape"):
        filtered(values, np.zeros((4, 4, 5), np.uint8))


def test_the_same_regions_are_scored_as_in_the_benchmark() -> None:
    """Away from the border of the head, outside which the benchmark has values too."""
    scan = ball()
    rng = np.random.default_rng(0)
    box = (slice(40, 216), slice(16, 240), slice(64, 240))
    difference = np.zeros(scan.hu.shape, np.float32)
    difference[box] = rng.normal(0, 0.1, difference[box].shape).astype(np.float16)
    theirs = filtered_maps(scan, {"residual": difference[box].astype(np.float16)})
    ours = filtered(residual_percent(difference, np.zeros_like(difference), scan.hu > -1024), scan.regions)
    for label, expected in ((1, theirs.brain), (2, theirs.brain), (3, theirs.skull)):
        inside = scan.regions == label
        np.testing.assert_allclose(ours[inside], PERCENT * expected[inside], rtol=1e-5)


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
