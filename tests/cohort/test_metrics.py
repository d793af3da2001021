"""FROC: MONAI's functions on peaks of many scans, against counting at each threshold."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.cohort.metrics import FALSE_A_SCAN, froc, froc_by_size, peaks, told_apart


def test_peaks_are_the_highest_of_their_boxes() -> None:
    values = np.zeros((30, 20, 20), np.float32)
    values[5, 5, 5], values[6, 5, 5], values[20, 10, 10], values[28, 1, 1] = 9, 8, 5, 1
    kept = values.copy()
    found, voxels = peaks(values, 2.0, (6, 6, 6))
    assert found.tolist() == [9, 5]
    assert voxels.tolist() == [[5, 5, 5], [20, 10, 10]]
    np.testing.assert_array_equal(values, kept)
    none, nowhere = peaks(values, 99.0, (6, 6, 6))
    assert (len(none), nowhere.shape) == (0, (0, 3))


def test_peaks_are_told_apart_and_missed_lesions_have_nothing() -> None:
    false, true = told_apart(np.array([9.0, 7, 5, 3]), np.array([2, 0, 2, 0]), 3)
    assert false.tolist() == [7, 3]
    assert true.tolist() == [0, 9, 0]
    nothing = told_apart(np.zeros(0), np.zeros(0, np.int64), 0)
    assert [len(one) for one in nothing] == [0, 0]
    assert told_apart(np.zeros(0), np.zeros(0, np.int64), 2)[1].tolist() == [0, 0]


def slow_froc(false: list[float], true: list[float], scans: int, rate: float) -> float:
    """The share of lesions found by linear interpolation between all thresholds."""
    limits = sorted({*false, *[one for one in true if one > 0]}, reverse=True)
    points = [(0.0, 0.0)]
    points += [(sum(v >= t for v in false) / scans, sum(v >= t for v in true) / len(true)) for t in limits]
    return float(np.interp(rate, *zip(*points, strict=True)))


@pytest.mark.parametrize("missed", [0, 3])
def test_froc_counts_lesions_and_false_peaks(missed: int) -> None:
    rng = np.random.default_rng(missed)
    false = rng.permutation(60)[:30].astype(float) + 0.5
    true = np.concatenate([rng.permutation(60)[:12] + 1.0, np.zeros(missed)])
    found = froc(false.astype(np.float32), true.astype(np.float32), 10)
    expected = [slow_froc(false.tolist(), true.tolist(), 10, rate) for rate in FALSE_A_SCAN]
    assert found["lesions"] == 12 + missed
    assert found["sensitivity"] == pytest.approx(expected, abs=1e-6)
    assert found["mean"] == pytest.approx(np.mean(expected), abs=1e-6)


def test_sizes_are_apart_and_one_without_a_lesion_has_nothing() -> None:
    false, true = np.array([1.5, 0.5], np.float32), np.array([9.0, 0.0, 1.0], np.float32)
    found = froc_by_size(false, true, np.array([20.0, 0.5, 1.0]), 2)
    assert found["over 10 ml"]["sensitivity"] == [1] * len(FALSE_A_SCAN)
    assert found["under 1 ml"]["mean"] == 0
    assert found["1 to 10 ml"]["lesions"] == 1
    assert found["all"]["lesions"] == 3
    assert froc(false, np.zeros(0, np.float32), 2) == {"lesions": 0, "sensitivity": [None] * 6, "mean": None}
