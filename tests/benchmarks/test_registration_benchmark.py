"""Poses that the registration benchmark judges: each as far off as it is said to be."""

from __future__ import annotations

import numpy as np
import pytest
from geometries import rigid
from registration import error_mm, near_poses, pushed
from registration_cases import Array, Case

from scripts.geometry.coordinates import CENTRE_MM
from scripts.registration.register import Registration, without_scale

TRUTH = rigid((10, -5, 20), (30, -12, 90))


@pytest.fixture
def case() -> Case:
    """Points 60 mm from the middle of the head, whose pose is known; no volume."""
    half = np.random.default_rng(0).standard_normal((500, 3))
    sphere = 60 * np.concatenate([half, -half]) / np.tile(np.linalg.norm(half, axis=1, keepdims=True), (2, 1))
    inverse = np.linalg.inv(TRUTH)
    points = (sphere + CENTRE_MM) @ inverse[:3, :3].T + inverse[:3, 3]
    return Case(9, "usual", np.zeros((1, 1, 1), np.float32), np.eye(4), TRUTH, points)


def gap_mm(pose: Array, scale: float, case: Case) -> float:
    """The error of a pose with its scale."""
    return error_mm(without_scale(pose, scale, np.array(CENTRE_MM)), case)


def test_a_pose_is_pushed_by_what_is_said(case: Case) -> None:
    rng, right = np.random.default_rng(0), np.linalg.inv(TRUTH)
    assert gap_mm(right, 1.0, case) == pytest.approx(0, abs=1e-6)
    assert gap_mm(pushed(right, case, 0.0, 14.0, rng), 1.0, case) == pytest.approx(14.0)
    # the points farthest from the axis move by the chord of 10 degrees at 60 mm
    assert gap_mm(pushed(right, case, 10.0, 0.0, rng), 1.0, case) == pytest.approx(
        120 * np.sin(np.deg2rad(5)), rel=0.01
    )


def test_near_misses_leave_the_found_pose_and_its_scale(case: Case) -> None:
    found = Registration(TRUTH, {"scale": 0.9}, "pass")
    poses = list(near_poses(case, found, np.random.default_rng(1)))
    errors = [gap_mm(pose, scale, case) for pose, scale in poses]
    assert {scale for _, scale in poses} == {0.9}
    assert errors[:3] == pytest.approx([10.0, 14.0, 18.0])
    assert all(4 < error < 20 for error in errors)
    assert np.linalg.det(poses[0][0][:3, :3]) == pytest.approx(0.9**3)
