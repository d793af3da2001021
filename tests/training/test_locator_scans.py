"""Scans for the coarse network: what the label says is where things are, and what the scan hides is unknown."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from toy_anatomy import toy_anatomy

from scripts.geometry.affines import transform_points
from scripts.geometry.coordinates import POSITION_SCALE_MM, grid_affine
from scripts.simulation.anatomy.common_space import MEAN_CENTROIDS
from scripts.simulation.anatomy.label_map import centroids
from scripts.simulation.anatomy.labels import STRUCTURES
from scripts.simulation.person.head import draw_head
from scripts.training.locator_scans import (
    SCALES,
    CoarseHead,
    CoarseScan,
    FieldOfView,
    coarse_head,
    draw_field_of_view,
    draw_sample,
    draw_scan,
    draw_scan_pose,
    slice_weights,
    without_size,
)

Array = NDArray[np.float64]


@pytest.fixture(scope="module")
def head() -> CoarseHead:
    """A toy head at 2 mm."""
    return coarse_head(draw_head(toy_anatomy(), 3))


def test_a_coarse_head_knows_nothing_below_the_map_and_has_the_references_size(head: CoarseHead) -> None:
    assert head.hu.shape == head.known.shape == head.head.shape
    lowest = np.flatnonzero(head.head.any(axis=(0, 1)))[0]
    assert lowest >= 40
    assert not head.head[:, :, :40].any()
    assert head.hu[head.known].min() == -1000
    middle = transform_points(head.affine, np.argwhere(head.head).astype(float)).mean(axis=0)
    assert np.abs(middle).max() < 30


def test_size_is_removed_about_the_middle_of_the_structures() -> None:
    for scale in (0.8, 1.0, 1.2):
        own = MEAN_CENTROIDS.mean(axis=0) + scale * (MEAN_CENTROIDS - MEAN_CENTROIDS.mean(axis=0)) + [3, -2, 5]
        own[4] = np.nan
        moved = transform_points(without_size(own), own)
        usable = np.isfinite(own[:, 0])
        assert np.allclose(moved[usable], MEAN_CENTROIDS[usable], atol=0.5)
    with pytest.raises(ValueError, match="needs three structures, got 2"):
        without_size(np.where(np.arange(29)[:, None] < 2, MEAN_CENTROIDS, np.nan))


def test_centroids_by_a_slow_loop() -> None:
    labels = np.random.default_rng(0).choice([0, 2, 41, 16, 515], (9, 8, 7)).astype(np.int16)
    affine = np.array([[0, -1.5, 0, 7], [1, 0, 0, -3], [0, 0, 2, 11], [0, 0, 0, 1.0]])
    found = centroids(labels, affine)
    for row, label in enumerate(STRUCTURES):
        if label in (2, 41, 16):
            expected = np.mean([(affine @ [*index, 1])[:3] for index in np.argwhere(labels == label)], axis=0)
            assert np.allclose(found[row], expected)
        else:
            assert np.isnan(found[row]).all()


def test_a_sample_shows_at_each_place_what_its_label_says() -> None:
    index = np.indices((20, 24, 28)).astype(np.float32)
    to_reference = np.array([[3.0, 1, 0, 5], [-1, 3, 0, -7], [0, 0, 4, 9], [0, 0, 0, 1]])
    counts = torch.zeros(20, 24, 28, dtype=torch.bool)
    counts[4:15, 6:20, 3:25] = True
    scan = CoarseScan(torch.from_numpy(np.stack([*index, np.ones_like(index[0])])).half(), counts, to_reference)
    inputs, label = draw_sample(scan, np.random.default_rng(0), 31)
    assert (inputs.shape, label.shape) == ((4, 31, 31, 31), (4, 3, 3, 3))
    weights = 0
    for place in np.ndindex(3, 3, 3):
        centre = tuple(11 + 4 * n for n in place)
        seen = inputs[(slice(None), *centre)].numpy()
        if seen[3] == 0:
            assert label[(3, *place)] == 0, "beyond the scan nothing counts"
            continue
        voxel = seen[:3].astype(int)
        true = (transform_points(to_reference, voxel[None].astype(float))[0] - grid_affine()[:3, 3]) / POSITION_SCALE_MM
        assert label[(slice(3), *place)].numpy() == pytest.approx(true, abs=1e-5)
        assert bool(label[(3, *place)]) == bool(counts[tuple(voxel)])
        weights += int(label[(3, *place)])
    assert weights > 0


def test_a_scan_shows_the_head_where_it_says(head: CoarseHead) -> None:
    scan = draw_scan(head, np.random.default_rng(5))
    assert scan.values.dtype == torch.float16
    assert float(scan.values.min()) >= 0
    assert float(scan.values.max()) <= 1
    places = np.argwhere(scan.counts.numpy())
    index = transform_points(np.linalg.inv(head.affine) @ scan.to_reference, places.astype(float))
    nearest = np.rint(index).astype(int)
    inside = ((nearest >= 0) & (nearest < head.head.shape)).all(axis=1)
    assert inside.mean() > 0.99
    assert (head.head & head.known)[tuple(nearest[inside].T)].mean() > 0.97
    assert float(scan.values[3][scan.counts].float().mean()) > 0.95
    unknown = scan.values[3] == 0
    assert float(scan.values[:3, unknown].abs().max()) == 0


def test_the_same_numbers_give_the_same_scan(head: CoarseHead) -> None:
    one, two = (draw_scan(head, np.random.default_rng(8)) for _ in range(2))
    assert torch.equal(one.values, two.values)
    first, second = (draw_sample(one, np.random.default_rng(9), 23) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], draw_sample(one, np.random.default_rng(10), 23)[0])


def test_poses_and_fields_of_view_stay_in_their_bounds() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        pose = draw_scan_pose(rng)
        scale = np.cbrt(np.linalg.det(pose[:3, :3]))
        assert SCALES[0] - 1e-9 <= scale <= SCALES[1] + 1e-9
        assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, scale**2 * np.eye(3))
        view = draw_field_of_view(rng, pose)
        assert 75 <= view.half_mm <= 135
        assert view.heights[0] < view.heights[1]


def test_what_a_field_of_view_holds_by_a_slow_loop() -> None:
    points = np.random.default_rng(2).uniform(-60, 60, (300, 3))
    for circle in (True, False):
        view = FieldOfView(np.array([5.0, -4, 0]), 30.0, circle, (-20.0, 35.0), 0.25)
        for point, held in zip(points, view.holds(*points.T), strict=True):
            across, along = point[0] - 5, point[1] + 4
            beside = np.hypot(across, along) <= 30 if circle else max(abs(across), abs(along)) <= 30
            assert held == (beside and -20 <= point[2] - 0.25 * along <= 35)


@pytest.mark.parametrize("thickness", [2.5, 5.0, 7.0])
def test_slices_keep_what_is_even_and_average_what_is_thin(thickness: float) -> None:
    weights = slice_weights(60, thickness, 1.3)
    assert np.allclose(weights.sum(axis=1)[4:-4], 1, atol=1e-5)
    assert np.allclose((weights @ np.full(60, 40.0))[4:-4], 40, atol=1e-3)
    thin = np.zeros(60)
    thin[30] = 1
    blurred = weights @ thin
    assert blurred.max() < 2 / thickness + 1e-6
    assert np.average(np.arange(60), weights=blurred) == pytest.approx(30, abs=thickness / 4)


def test_sizes_that_do_not_fit_and_empty_scans_are_named() -> None:
    scan = CoarseScan(torch.zeros(4, 5, 5, 5), torch.zeros(5, 5, 5, dtype=torch.bool), np.eye(4))
    with pytest.raises(ValueError, match="must be 23 plus a multiple of 4, got 46"):
        draw_sample(scan, np.random.default_rng(0), 46)
    with pytest.raises(ValueError, match="the scan shows no head"):
        draw_sample(scan, np.random.default_rng(0), 47)
