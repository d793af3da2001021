"""Poses and their score, against loops and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_head import analytic_head
from scipy.spatial.transform import Rotation

from scripts.registration.score import (
    HeadImage,
    Level,
    Points,
    channels,
    head_image,
    level,
    points,
    pose_matrices,
    rotations,
    sample_zero,
    score,
    weighted_correlation,
)

GRID = np.diag([2.0, 2.0, 2.0, 1.0])
GRID[:3, 3] = -100.0


@pytest.fixture(scope="module")
def head() -> HeadImage:
    """The analytic head at 2 mm."""
    hu = analytic_head((101, 116, 101), GRID)
    return head_image(hu, np.ones(hu.shape, bool), GRID)


def test_rotations_are_scipys() -> None:
    angles = np.random.default_rng(0).uniform(-2, 2, (5, 3))
    assert np.allclose(rotations(angles), Rotation.from_euler("xyz", angles).as_matrix())


def test_a_pose_turns_and_scales_about_the_centre() -> None:
    centre, start = np.array([3.0, -20, 11]), np.array([-7.0, 5, 60])
    pose = np.array([[0.3, -0.2, 0.1, 4, 5, 6, np.log(1.2)]])
    matrix = pose_matrices(pose, centre, start)[0]
    assert np.allclose(matrix @ [*centre, 1], [*(start + np.array([4, 5, 6])), 1])
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.2**3)
    assert np.allclose(pose_matrices(np.zeros((1, 7)), centre, centre)[0], np.eye(4))


def test_channels() -> None:
    soft, ramp = channels(np.array([[[-1000, -200, 100, 400, 2000], [150, 325, 500, 0, 900]]], np.float32))
    assert soft[0, 0].tolist() == [0, 0, 0.5, 1, 1]
    assert ramp[0, 1].tolist() == [0, 0.5, 1, 0, 1]


def test_correlation_against_a_loop() -> None:
    rng = np.random.default_rng(1)
    values, weight, fixed = rng.normal(size=(3, 40)), rng.random((3, 40)), rng.normal(size=40)
    found = weighted_correlation(
        (values * weight).astype(np.float32), weight.astype(np.float32), fixed.astype(np.float32)
    )
    for row in range(3):
        covariance = np.cov(values[row], fixed, aweights=weight[row])
        assert found[row] == pytest.approx(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]), abs=1e-4)
    flat = np.ones((1, 40), np.float32)
    assert weighted_correlation(flat, flat, fixed.astype(np.float32)) == 0


def test_a_head_fits_itself_best(head: HeadImage) -> None:
    target = points(head, head.head, np.zeros(3), 8.0, 1500)
    moves = np.zeros((4, 7))
    moves[1, 0], moves[2, 3], moves[3, 6] = 0.2, 12.0, 0.12
    found = score(pose_matrices(moves, np.zeros(3), np.zeros(3)), target, level(head, 8.0))
    assert found.ncc[0] > 0.999
    assert found.overlap[0] > 0.99
    assert (found.score[1:] < found.score[0] - 0.05).all()


def test_unknown_voxels_cost_overlap_and_not_correlation(head: HeadImage) -> None:
    target = points(head, head.head, np.zeros(3), 8.0, 1500)
    known = head.known.copy()
    known[:, :, :40] = False
    cut = HeadImage(np.where(known, head.hu, -1024).astype(np.float32), known, head.head & known, head.affine)
    found = score(np.eye(4)[None], target, level(cut, 8.0))
    assert found.ncc[0] > 0.99
    assert 0.4 < found.overlap[0] < 0.8
    assert found.score[0] == pytest.approx(found.ncc[0] * found.overlap[0] ** 0.25)


def test_points_outside_the_scan_are_unknown() -> None:
    at = np.array([[[1.0, 1.0, 1.0], [-0.5, 1.0, 1.0], [-3.0, 1.0, 1.0]]])
    volume = level(HeadImage(*(np.ones((3, 3, 3), t) for t in (np.float32, bool, bool)), np.eye(4)), 1.0)
    assert isinstance(volume, Level)
    assert sample_zero(volume.values, at)[2, 0].tolist() == pytest.approx([1.0, 0.5, 0.0], abs=1e-6)


def test_points_stay_inside_the_mask_and_below_the_count(head: HeadImage) -> None:
    found = points(head, head.head, np.ones(3), 8.0, 300)
    assert isinstance(found, Points)
    assert found.at.shape == (300, 3)
    assert np.abs(found.values.mean(axis=1)).max() < 1e-5
    index = np.rint((found.at - GRID[:3, 3]) / 2).astype(int)
    assert head.head[tuple(index.T)].mean() > 0.97


def test_a_thick_tilted_scan_gives_the_same_head_image() -> None:
    tilt = np.deg2rad(20)
    affine = np.eye(4)
    affine[:3, 1] = 0, np.cos(tilt), np.sin(tilt)
    affine[:3, 2] = 0, 0, 4
    affine[:3, 3] = -95, -110, -115
    hu = analytic_head((190, 220, 60), affine)
    found = head_image(hu, np.ones(hu.shape, bool), affine)
    index = np.stack(np.meshgrid(*map(np.arange, found.hu.shape), indexing="ij"), -1)
    exact = analytic_head(found.hu.shape, found.affine)
    assert np.allclose(found.affine[:3, :3], 2 * np.eye(3))
    inside = found.known & (np.abs(index @ found.affine[:3, :3] + found.affine[:3, 3]).max(-1) < 60)
    assert np.abs(np.median((found.hu - exact)[inside])) < 1
    assert np.mean(np.abs((found.hu - exact)[inside]) < 40) > 0.8
