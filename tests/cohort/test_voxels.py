"""Measures by voxels: against scikit-learn and MONAI on voxels that are kept, and by hand on tiny arrays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import compute_dice
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from scripts.cohort.voxels import LEVELS, MOST_FALSE, STEP, VoxelCounts, levels_of, mean


def scan(seed: int, gain: float = 2.0) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Values in steps and lesion numbers of 3000 voxels: two lesions, one small, with many ties."""
    rng = np.random.default_rng(seed)
    lesion = np.zeros(3000, np.int32)
    lesion[:40], lesion[40:500] = 1, 2
    return np.round(np.abs(rng.normal(1, 0.7, 3000)) + gain * rng.random(3000) * (lesion > 0), 1), lesion


def counts(*seeds: int, threshold: float | None = None) -> VoxelCounts:
    found = VoxelCounts()
    for seed in seeds:
        values, lesion = scan(seed)
        found.add(VoxelCounts.of(levels_of(values), lesion, threshold))
    return found


def pooled(*seeds: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    parts = [scan(seed) for seed in seeds]
    return np.concatenate([v for v, _ in parts]), np.concatenate([lesion > 0 for _, lesion in parts])


def test_counts_give_what_scikit_learn_gives_of_all_voxels() -> None:
    values, inside = pooled(0, 1, 2)
    found = counts(0, 1, 2)
    assert found.average_precision() == pytest.approx(average_precision_score(inside, values))
    assert found.auroc() == pytest.approx(roc_auc_score(inside, values))


def test_dice_is_that_of_monai_at_every_threshold() -> None:
    values, inside = pooled(3, 4)

    def dice(limit: float) -> float:
        found, truth = (torch.from_numpy(one.astype(np.float32))[None, None] for one in (values > limit, inside))
        return float(compute_dice(found, truth))

    assert counts(3, 4, threshold=1.55).dice_in_use() == pytest.approx(dice(1.55), abs=1e-6)
    best = counts(3, 4).best_dice()
    assert best is not None
    slow = {limit: dice(limit - 0.05) for limit in np.unique(values)}
    assert best[0] == pytest.approx(max(slow.values()), abs=1e-6)
    assert slow[min(slow, key=lambda one: abs(one - best[1]))] == pytest.approx(best[0], abs=1e-6)


def test_aupro_by_hand() -> None:
    """Lesion 1 of 1 voxel at 9, lesion 2 of 2 voxels at 9 and 1; of 10 other voxels one at 5, one at 2.

    At 9 the mean overlap is (1 + 1/2) / 2 = 3/4 without a false voxel, and stays so to 2 of 10 (5, 2); then at 1 it is
    1. The area to .3 is .75 to .2, and from there a line to (.2, 1), as voxels of 1 have no false one beside them; 0
    to the right is reached at 1.
    """
    levels = levels_of(np.array([9, 9, 1, 5, 2, *[0] * 8], dtype=float))
    lesion = np.array([1, 2, 2, *[0] * 10], np.int32)
    found = VoxelCounts.of(levels, lesion, None)
    assert found.aupro() == pytest.approx((0.75 * 0.2 + 1.0 * 0.1) / 0.3)


def test_aupro_is_the_mean_overlap_over_the_false_rate() -> None:
    (values, lesion), found = scan(5), counts(5)
    false, overlap = [0.0], [0.0]
    for limit in np.unique(values)[::-1]:
        above = values >= limit
        false.append(float(above[lesion == 0].mean()))
        overlap.append(float(np.mean([above[lesion == number].mean() for number in (1, 2)])))
    grid = np.linspace(0, MOST_FALSE, 200_001)
    assert found.aupro() == pytest.approx(np.interp(grid, false, overlap).mean(), abs=1e-4)


def test_a_small_lesion_counts_as_much_as_a_large_one_in_aupro_only() -> None:
    lesion = np.array([1] + [2] * 99 + [0] * 100, np.int32)
    small = np.array([5.0] + [0.0] * 199)
    large = np.array([0.0] + [5.0] * 99 + [0.0] * 100)
    one, other = (VoxelCounts.of(levels_of(values), lesion, None) for values in (small, large))
    assert one.aupro() == pytest.approx(other.aupro())
    assert one.average_precision() < other.average_precision()  # type: ignore[operator]


def test_without_both_kinds_there_is_nothing() -> None:
    for found in (VoxelCounts(), VoxelCounts.of(levels_of(np.ones(3)), np.zeros(3, np.int32), 1.0)):
        assert found.average_precision() is found.auroc() is found.aupro() is found.best_dice() is None
        assert found.dice_in_use() is None


def test_levels_end_and_means_pass_over_what_is_unknown() -> None:
    assert levels_of(np.array([-1.0, 0.014, 1e6])).tolist() == [0, 1, LEVELS - 1]
    assert pytest.approx(0.01) == STEP
    assert mean([1.0, None, 3.0]) == 2
    assert mean([None]) is mean([]) is None
