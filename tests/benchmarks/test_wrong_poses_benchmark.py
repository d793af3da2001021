"""Wrong poses: each start is as far off as it is said to be, and what comes of it is refined and described."""

from __future__ import annotations

import numpy as np
import pytest
import wrong_poses as wrong_poses_module
from analytic_head import analytic_head
from geometries import braincase, rigid
from registration_cases import Array, Case, gaps_mm
from wrong_poses import PUSHES, pushed, pushed_poses, wrong_poses

from scripts.geometry.coordinates import CENTRE_MM
from scripts.registration.register import Registration, prepare_reference, prepare_scan, without_scale

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
    return float(gaps_mm(without_scale(pose, scale, np.array(CENTRE_MM)), case).max())


def test_a_pose_is_pushed_by_what_is_said(case: Case) -> None:
    rng, right = np.random.default_rng(0), np.linalg.inv(TRUTH)
    assert gap_mm(right, 1.0, case) == pytest.approx(0, abs=1e-6)
    assert gap_mm(pushed(right, case, 0.0, 14.0, rng), 1.0, case) == pytest.approx(14.0)
    # the points farthest from the axis move by the chord of 10 degrees at 60 mm
    assert gap_mm(pushed(right, case, 10.0, 0.0, rng), 1.0, case) == pytest.approx(
        120 * np.sin(np.deg2rad(5)), rel=0.01
    )


def test_pushed_poses_leave_the_found_pose_and_its_scale(case: Case) -> None:
    found = Registration(TRUTH, {"scale": 0.9}, "pass")
    poses = list(pushed_poses(case, found, np.random.default_rng(1)))
    errors = [gap_mm(pose, scale, case) for pose, scale in poses]
    assert {scale for _, scale in poses} == {0.9}
    for (angle, shift), error in zip(PUSHES, errors, strict=True):
        turned = 120 * np.sin(np.deg2rad(angle / 2))
        assert abs(turned - shift) * 0.98 <= error <= turned + shift + 1e-6
    assert np.linalg.det(poses[0][0][:3, :3]) == pytest.approx(0.9**3)


def test_wrong_poses_are_refined(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is near comes back, and its quality is that of a right pose; a far one does not."""
    for name, starts in (("PUSHES", [(10.0, 0.0)]), ("FAR_DEG", [(0, 0, 180)])):
        assert set(starts) < set(getattr(wrong_poses_module, name))
        monkeypatch.setattr(wrong_poses_module, name, starts)
    grid = np.diag([3.0, 3.0, 3.0, 1.0])
    grid[:3, 3] = -105.0
    shape = (71, 76, 71)
    hu = analytic_head(shape, grid)
    reference = prepare_reference(hu, hu > -300, braincase(grid, shape), grid)
    affine = np.linalg.inv(TRUTH) @ grid
    scanned = Case(9, "usual", hu, affine, TRUTH, case.points)
    found = Registration(TRUTH, {"scale": 1.0}, "pass")
    scan = prepare_scan(hu, affine)
    rows = list(wrong_poses(scanned, found, scan, reference, None, np.random.default_rng(0)))
    (near, far), (good, bad) = zip(
        *((gaps_mm(matrix, scanned).mean(), quality["level"]) for matrix, quality in rows), strict=True
    )
    assert near < 5
    assert good > 0.8
    assert far > 20
    assert bad < good, "the analytic head is not much unlike itself, turned round"
