"""Healthy scans judged by each other: who judges whom, and that a scan never judges itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from scripts.anomaly import normative
from scripts.anomaly.normative import scan_maps
from scripts.anomaly.parts import Evidence, PartMaps, joined
from scripts.anomaly.scores import Details, map_scores
from scripts.calibration import folds
from scripts.calibration.folds import (
    MOST_FOLDS,
    HealthyScan,
    Normal,
    Sums,
    folds_of,
    held_out,
    parts_of,
    scales_of,
    seen_whole,
)

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


def scores(one: HealthyScan, judge: Normal, smoothing_mm: float = 6.0) -> Details:
    """Scores of a scan's error map and asymmetry."""
    return seen_whole(map_scores(parts_of(one, judge, smoothing_mm).maps, one.regions), one)


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
    found = held_out(scans, groups)
    for index, group in enumerate(groups):
        others = [s for s, g in zip(scans, groups, strict=True) if g != group]
        expected = scores(scans[index], Sums(others).finish())
        for region, numbers in expected.items():
            kept = {name: found.details[index][region][name] for name in numbers}
            assert kept == pytest.approx(numbers, rel=2e-3), "16 bits are kept"


def test_a_part_is_scaled_by_what_most_healthy_hemispheres_do_not_exceed() -> None:
    scans, groups = [scan(seed) for seed in range(6)], ["a", "a", "b", "b", "c", "c"]
    found = held_out(scans, groups)
    assert list(found.scales) == ["asymmetry"]
    own = sorted(d[r]["asymmetry"] for d in found.details for r in ("left_hemisphere", "right_hemisphere"))
    assert found.scales["asymmetry"] in [round(value, 4) for value in own[8:11]]
    for details in found.details:
        for numbers in details.values():
            assert numbers["anomaly"] == pytest.approx(numbers["asymmetry"] / found.scales["asymmetry"], rel=1e-3)
            assert numbers["anomaly"] == numbers["calibrated_top_1_percent_mean"]
    assert scales_of([{}], ["position"]) == {"position": 1.0}


def test_parts_join_where_every_scan_has_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The evidence's own maps are measured elsewhere; here they are 3 on the left and 1 on the right."""
    size, values = (N, N, N), np.ones((N, N, N), np.float32)
    values[: N // 2] = 3

    class NoSums:
        def add(self, one: Evidence) -> None:
            pass

        def without(self, part: NoSums) -> NoSums:
            return self

        def finish(self) -> str:
            return "normal"

    found = PartMaps({"position": values, "density": 2 * values}, {"position": 1.5})
    monkeypatch.setattr(folds, "EvidenceSums", NoSums)
    monkeypatch.setattr(folds, "part_maps", lambda evidence, normal: found)
    monkeypatch.setattr(folds, "at_voxels", lambda found, stride: found)
    scans = [replace(scan(seed), evidence=Evidence(np.zeros((20, *size)), np.zeros(size))) for seed in range(4)]
    judged = held_out(scans, ["a", "b", "c", "d"])
    assert (judged.scales["position"], judged.scales["density"]) == (3, 6)
    assert judged.typical == {"position": 1.5}
    left = judged.details[0]["left_hemisphere"]
    assert (left["position"], left["density"]) == (3, 6)
    one = dict(parts_of(scans[0], Sums(scans[1:]).finish()).maps)
    del one["error"]
    expected = map_scores({"calibrated": joined(one, judged.scales)}, scans[0].regions)["left_hemisphere"]["anomaly"]
    assert left["anomaly"] == pytest.approx(expected, rel=2e-3)
    assert left["anomaly"] >= 2**0.5, "both of the new parts are at their scale"
    mixed = [*scans[:3], scan(9)]
    assert list(held_out(mixed, ["a", "b", "c", "d"]).scales) == ["asymmetry"], "one scan has none"


def test_a_scan_that_judges_itself_looks_more_normal_than_it_is() -> None:
    odd = scan(9)
    odd.asymmetry[:, :, -2:] += 8
    scans = [*(scan(seed) for seed in range(5)), odd]
    alone = held_out(scans, [str(n) for n in range(6)]).details[5]["skull"]["asymmetry"]
    with_itself = scores(odd, Sums(scans).finish())["skull"]["asymmetry"]
    usual = held_out(scans[:5], [str(n) for n in range(5)]).details[0]["skull"]["asymmetry"]
    assert alone > 1.2 * with_itself
    assert alone > 1.5 * usual


def test_a_region_that_the_field_of_view_cuts_is_not_counted() -> None:
    cut = scan(0, coverage={**FULL, "skull": 0.5})
    assert set(scores(cut, Sums([scan(1)]).finish())) == {"left_hemisphere", "right_hemisphere"}


def test_sums_of_groups_can_be_added_and_taken_out() -> None:
    scans = [scan(seed) for seed in range(4)]
    total = Sums(scans[:2])
    total.add(Sums(scans[2:]))
    np.testing.assert_allclose(total.statistics.sums, Sums(scans).statistics.sums)
    left = total.without(Sums(scans[:2])).statistics.sums
    np.testing.assert_allclose(left, Sums(scans[2:]).statistics.sums, atol=1e-6)


def test_the_stride_changes_the_scale_of_no_score() -> None:
    judge = Sums(scan(seed) for seed in range(1, 20)).finish()
    coarse, fine = (scores(scan(50, stride), judge, 0.0)["left_hemisphere"] for stride in (4, 2))
    assert fine["raw_percentile_99"] == pytest.approx(coarse["raw_percentile_99"], rel=0.15)
    assert fine["asymmetry"] == pytest.approx(coarse["asymmetry"], rel=0.15)
    assert Sums([scan(50, 2)]).statistics.sums[0].sum() == 2 * (N - 1) * N * N, "every 4th voxel, and its mirror image"


def test_the_score_of_a_smooth_scan_is_nearly_the_same_at_every_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normative, "GRID_SIZE", WIDE)
    judge = Sums(smooth_scan(seed, 4) for seed in range(1, 12)).finish()
    for seed in (50, 51, 52):
        coarse, fine, finest = (
            scores(smooth_scan(seed, stride), judge)["left_hemisphere"]["asymmetry"] for stride in (4, 2, 1)
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
    judge = Sums([scan(1), scan(2)]).finish().normative
    maps = scan_maps(one.residual_mm, one.asymmetry, one.inside, judge, 4, 0.0)
    np.testing.assert_allclose(maps["error"][3, 3, 3], np.linalg.norm(one.residual_mm[:, 3, 3, 3]), rtol=1e-6)
    off = abs(one.asymmetry[3, 3, 3] - judge.mean[3, 3, 3, 3]) / np.sqrt(judge.covariance[-1, 3, 3, 3])
    np.testing.assert_allclose(maps["asymmetry"][3, 3, 3], off, rtol=1e-4)
    assert maps["error"][4, 4, 4] == maps["asymmetry"][4, 4, 4] == 0
    assert (maps["error"][0] == 0).all()
    assert maps["asymmetry"].dtype == maps["error"].dtype == np.float32
    smoothed = scan_maps(one.residual_mm, one.asymmetry, one.inside, judge, 4, 8.0)
    assert smoothed["asymmetry"].std() < maps["asymmetry"].std()
    np.testing.assert_array_equal(smoothed["error"], maps["error"])
