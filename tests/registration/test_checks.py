"""The numbers that describe a pose tell a right one from wrong ones on a head like the reference."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_head import analytic_head
from geometries import rotation
from numpy.typing import NDArray

from scripts.registration.checks import FAR_MM, QualityTarget, bone_distance_mm, pose_quality, quality_target, symmetry
from scripts.registration.score import HeadImage, head_image, level

GRID = np.diag([2.0, 2.0, 2.0, 1.0])
GRID[:3, 3] = -100.0
SHAPE = (101, 116, 101)


@pytest.fixture(scope="module")
def head() -> HeadImage:
    """The analytic head at 2 mm."""
    return head_image(analytic_head(SHAPE, GRID), np.ones(SHAPE, bool), GRID)


@pytest.fixture(scope="module")
def target(head: HeadImage) -> QualityTarget:
    """The analytic head as reference."""
    distance = np.linalg.norm(np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1) * 2.0 - 100.0, axis=-1)
    return quality_target(head, head.head, distance < 60)


def pose(angles_deg: tuple[float, float, float] = (0, 0, 0), shift_mm: float = 0.0) -> NDArray[np.float64]:
    """A rigid pose."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation(*angles_deg)
    matrix[:3, 3] = shift_mm
    return matrix


def test_the_right_pose_has_good_numbers(head: HeadImage, target: QualityTarget) -> None:
    found = pose_quality(np.eye(4), 1.0, target, head)
    assert found["ncc"] > 0.99
    assert found["symmetry"] > 0.95
    assert found["bone_distance_mm"] < 0.1
    assert (found["overlap"] > 0.99, found["rotation_deg"], found["scale"]) == (True, 0.0, 1.0)


@pytest.mark.parametrize("wrong", [pose((60, 0, 0)), pose((0, 180, 0)), pose((0, 0, 90)), pose((0, 0, 0), 18.0)])
def test_wrong_poses_have_worse_ones(head: HeadImage, target: QualityTarget, wrong: NDArray[np.float64]) -> None:
    right, found = (pose_quality(one, 1.0, target, head) for one in (np.eye(4), wrong))
    assert found["ncc"] < right["ncc"] - 0.1
    assert found["bone_distance_mm"] >= right["bone_distance_mm"]


def test_the_scale_belongs_to_the_pose(head: HeadImage, target: QualityTarget) -> None:
    affine = np.diag([0.9, 0.9, 0.9, 1]) @ GRID
    small = HeadImage(head.hu, head.known, head.head, affine)
    scaled = pose_quality(np.diag([0.9, 0.9, 0.9, 1.0]), 0.9, target, small)
    assert scaled["ncc"] > 0.95
    assert scaled["bone_distance_mm"] < 0.5
    assert pose_quality(np.eye(4), 1.0, target, small)["bone_distance_mm"] > 1.0


def test_rotation_is_measured_in_degrees(head: HeadImage, target: QualityTarget) -> None:
    assert pose_quality(pose((0, 0, 33)), 1.0, target, head)["rotation_deg"] == pytest.approx(33)


def test_symmetry_sees_roll_and_shift(head: HeadImage, target: QualityTarget) -> None:
    fine = level(head, 4.0)
    shifted = np.eye(4)
    shifted[0, 3] = 8.0
    at_rest = symmetry(np.eye(4), target.points, fine)
    assert symmetry(pose((0, 12, 0)), target.points, fine) < at_rest - 0.1
    assert symmetry(shifted, target.points, fine) < at_rest - 0.1
    assert symmetry(pose((12, 0, 0)), target.points, fine) > at_rest - 0.05


def test_bone_distance_is_in_reference_mm(head: HeadImage, target: QualityTarget) -> None:
    grown = bone_distance_mm(np.diag([1.08, 1.08, 1.08, 1.0]), 1.08, target, head)
    assert 1.8 < grown < 8.0
    empty = HeadImage(np.full(SHAPE, -1000, np.float32), head.known, head.head, GRID)
    assert bone_distance_mm(np.eye(4), 1.0, target, empty) == FAR_MM
