"""Healthy scans judged by each other: who judges whom, and that a scan never judges itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scripts.anomaly import normative
from scripts.anomaly.normative import scan_maps
from scripts.calibration.folds import MOST_FOLDS, HealthyScan, folds_of, held_out_scores, scan_scores, sums_of

N, WIDE = 8, 16
FULL = {"left_hemisphere": 1.0, "right_hemisphere": 1.0, "skull": 1.0}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of eight places a side."""
    monkeypatch.setattr(normative, "GRID_SIZE", N)


def scan(seed: int, stride: int = 4, shift: float = 0.0, coverage: dict[str, float] | None = None) -> HealthyScan:
    """A scan with random residuals of 3 mm and asymmetries of 2 steps; left, right and skull."""
    size, rng = N * 4 // stride, np.random.default_rng(seed)
    residual = rng.normal(shift, 3, (3, size, size, size)).astype(np.float32)
    asymmetry = rng.normal(0, 2, (size, size, size)).astype(np.float32)
    regions = np.ones((size,) * 3, np.uint8)
    regions[size // 2 :] = 2
    regions[:, :, -size // 4 :] = 3
    inside = np.ones(regions.shape, bool)
    inside[0] = False
    return HealthyScan(residual, asymmetry, inside, regions, coverage or FULL, stride)


def test_groups_stay_together_and_every_scan_is_in_one_fold() -> None:
    groups = [f"person {n % 30}" for n in range(75)]
    folds = folds_of(groups)
    assert len(folds) == MOST_FOLDS
    assert sorted(index for fold in folds for index in fold) == list(range(75))
    for fold in folds:
        others = {groups[index] for other in folds if other is not fold for index in other}
        assert not {groups[index] for index in fold} & others
    assert folds_of(["a", "b", "a"]) == [[0, 2], [1]]
    with pytest.raises(ValueError, match="all 2 scans are of one group"):
        folds_of(["a", "a"])


def test_scans_are_judged_by_the_others() -> None:
    scans, groups = [scan(seed) for seed in range(6)], ["a", "a", "b", "b", "c", "c"]
    found = held_out_scores(scans, groups)
    for index, group in enumerate(groups):
        others = [s for s, g in zip(scans, groups, strict=True) if g != group]
        expected = scan_scores(scans[index], sums_of(others).finish())
        for region, numbers in expected.items():
            assert found[index][region] == pytest.approx(numbers, rel=1e-4)


def test_a_scan_that_judges_itself_looks_more_normal_than_it_is() -> None:
    odd = scan(9, shift=15.0)
    scans = [*(scan(seed) for seed in range(5)), odd]
    alone = held_out_scores(scans, [str(n) for n in range(6)])[5]["skull"]["calibrated_top_1_percent_mean"]
    with_itself = scan_scores(odd, sums_of(scans).finish())["skull"]["calibrated_top_1_percent_mean"]
    usual = held_out_scores(scans[:5], [str(n) for n in range(5)])[0]["skull"]["calibrated_top_1_percent_mean"]
    assert alone > 1.2 * with_itself
    assert alone > 1.5 * usual


def test_a_region_that_the_field_of_view_cuts_is_not_counted() -> None:
    cut = scan(0, coverage={**FULL, "skull": 0.5})
    assert set(scan_scores(cut, sums_of([scan(1)]).finish())) == {"left_hemisphere", "right_hemisphere"}


def test_the_stride_changes_the_scale_of_no_score() -> None:
    judge = sums_of(scan(seed) for seed in range(1, 20)).finish()
    coarse, fine = (scan_scores(scan(50, stride), judge, 0.0)["left_hemisphere"] for stride in (4, 2))
    for name in ("raw_percentile_99", "calibrated_percentile_99"):
        assert fine[name] == pytest.approx(coarse[name], rel=0.15)
    assert sums_of([scan(50, 2)]).sums[0].sum() == 2 * (N - 1) * N * N, "every 4th voxel, and its mirror image"


def test_the_default_score_of_a_smooth_scan_is_nearly_the_same_at_every_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normative, "GRID_SIZE", WIDE)
    judge = sums_of(smooth_scan(seed, 4) for seed in range(1, 12)).finish()
    for seed in (50, 51, 52):
        coarse, fine, finest = (
            scan_scores(smooth_scan(seed, stride), judge)["left_hemisphere"]["calibrated_top_1_percent_mean"]
            for stride in (4, 2, 1)
        )
        assert fine == pytest.approx(coarse, rel=0.08)
        assert finest == pytest.approx(fine, rel=0.05)


def smooth_scan(seed: int, stride: int) -> HealthyScan:
    """Every stride-th voxel of a scan whose residuals and asymmetries change over 5 mm."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (4, *[WIDE * 4] * 3))
    values = np.stack([ndimage.gaussian_filter(part, 5.0) for part in noise])
    values *= np.array([3, 3, 3, 2])[:, None, None, None] / values.std()
    thinned = values[:, ::stride, ::stride, ::stride].astype(np.float32)
    inside, regions = np.ones(thinned[0].shape, bool), np.ones(thinned[0].shape, np.uint8)
    return HealthyScan(thinned[:3], thinned[3], inside, regions, FULL, stride)


def test_the_maps_of_a_scan() -> None:
    one = scan(3)
    one.residual_mm[:, 4, 4, 4] = np.nan
    judge = sums_of([scan(1), scan(2)]).finish()
    maps = scan_maps(one.residual_mm, one.asymmetry, one.inside, judge, 4, 0.0)
    np.testing.assert_allclose(maps["error"][3, 3, 3], np.linalg.norm(one.residual_mm[:, 3, 3, 3]), rtol=1e-6)
    assert maps["error"][4, 4, 4] == maps["calibrated"][4, 4, 4] == 0
    assert (maps["error"][0] == 0).all()
    assert maps["calibrated"].dtype == maps["error"].dtype == np.float32
    smoothed = scan_maps(one.residual_mm, one.asymmetry, one.inside, judge, 4, 8.0)
    assert smoothed["calibrated"].std() < maps["calibrated"].std()
    np.testing.assert_array_equal(smoothed["error"], maps["error"])
