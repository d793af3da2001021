"""The multi-start search on a head whose pose is known."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_head import analytic_head
from geometries import rotation
from numpy.typing import NDArray

from scripts.registration.score import HeadImage, head_image, level
from scripts.registration.search import (
    COARSE_STEP,
    SHIFTS_MM,
    Target,
    climb,
    climb_from,
    distinct,
    head_centre,
    search,
    search_target,
    start_poses,
)

GRID = np.diag([2.0, 2.0, 2.0, 1.0])
GRID[:3, 3] = -100.0
WHOLE = (101, 116, 101)


def scan_of(to_world: NDArray[np.float64], cut: int = 0) -> HeadImage:
    """The analytic head, moved, with `cut` slices missing below."""
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = to_world[:3, 3] - [110, 120, 130]
    affine[2, 3] += 4 * cut
    hu = analytic_head((110, 125, 60 - cut), affine, to_world=to_world)
    return head_image(hu, np.ones(hu.shape, bool), affine)


@pytest.fixture(scope="module")
def target() -> Target:
    """The analytic head as reference."""
    hu = analytic_head(WHOLE, GRID)
    image = head_image(hu, np.ones(WHOLE, bool), GRID)
    return search_target(image, image.head)


def test_a_turned_scaled_and_cut_head_is_found(target: Target) -> None:
    truth = np.eye(4)
    truth[:3, :3] = rotation(25, -8, -22) * 0.92
    truth[:3, 3] = 30, -40, 200
    found = search(target, scan_of(truth, cut=12))
    corners = np.array([[x, y, z] for x in (-60, 60) for y in (-80, 80) for z in (-40, 60)])
    gap = corners @ (found.matrix - truth)[:3, :3].T + (found.matrix - truth)[:3, 3]
    assert np.linalg.norm(gap, axis=1).max() < 3.0
    assert found.scale == pytest.approx(0.92, abs=0.02)
    assert found.score > 0.85


def test_the_grid_is_the_published_one() -> None:
    poses = start_poses()
    assert poses.shape == (125 * 21 * 3, 7)
    assert len(SHIFTS_MM) == 21
    assert len(np.unique(poses, axis=0)) == len(poses)


def test_the_centre_ignores_the_neck() -> None:
    head = np.zeros((20, 20, 120), bool)
    head[5:15, 5:15, 20:] = True
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    with_neck = head_centre(head, affine)
    assert with_neck.tolist() == [19, 19, 238 - 65]
    head[:, :, :40] = True
    assert head_centre(head, affine).tolist() == with_neck.tolist()
    with pytest.raises(ValueError, match="no head was found"):
        head_centre(np.zeros((3, 3, 3), bool), affine)


def test_distinct_poses_are_apart() -> None:
    poses = np.zeros((4, 7))
    poses[1, 3], poses[2, 3], poses[3, 0] = 5.0, 30.0, 1.0
    kept = distinct(poses, np.array([1.0, 0.9, 0.8, 0.7]), 3)
    assert np.array_equal(kept, poses[[0, 2, 3]])


def test_climbing_from_a_pose_keeps_the_size_of_the_head_in_bounds(target: Target) -> None:
    scan = scan_of(np.diag([0.7, 0.7, 0.7, 1.0]))
    assert climb_from(target, scan, np.diag([0.76, 0.76, 0.76, 1.0])).scale == pytest.approx(0.75)
    assert climb_from(target, scan_of(np.eye(4)), np.diag([0.95, 0.95, 0.95, 1.0])).scale == pytest.approx(1, abs=0.02)


def test_climbing_never_loses_and_keeps_the_scale_in_bounds(target: Target) -> None:
    scan = level(scan_of(np.eye(4)), 8.0)
    start = np.zeros(3)
    poses = np.zeros((2, 7))
    poses[0, :4], poses[1, 6] = (0.1, 0.1, 0, 6), 0.25
    centred = target.coarse
    begin, at_begin = climb(poses, COARSE_STEP, centred, scan, centred.centre + start, rounds=0)
    end, at_end = climb(poses, COARSE_STEP, centred, scan, centred.centre + start, rounds=10)
    assert np.array_equal(begin, poses)
    assert (at_end >= at_begin).all()
    assert np.abs(end[0, :6]).max() < 2.0
    assert (np.exp(end[:, 6]) <= 1.3).all()
