"""Right poses pass the checks, wrong ones don't, and the verdict follows the table of thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_head import analytic_head
from geometries import rotation
from numpy.typing import NDArray

from scripts.registration.checks import (
    FAR_MM,
    LIMITS,
    PASS_AGREEMENT,
    QualityTarget,
    balance,
    bone_distance_mm,
    judge,
    pose_quality,
    quality_target,
    symmetry,
)
from scripts.registration.score import HeadImage, head_image, level

GRID = np.diag([2.0, 2.0, 2.0, 1.0])
GRID[:3, 3] = -100.0
SHAPE = (101, 116, 101)
GOOD = {"ncc": 0.8, "symmetry": 0.9, "bone_distance_mm": 1.0, "overlap": 0.7, "rotation_deg": 10.0, "scale": 1.0}
PLAUSIBLE = {"tipped_deg": 9.0, "brain_in_view": 1.0, "brain_hu": 32.0, "intracranial_ml": 1400.0, "distortion": 1.1}


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


def test_the_right_pose_passes(head: HeadImage, target: QualityTarget) -> None:
    found = pose_quality(np.eye(4), 1.0, target, head)
    assert found["ncc"] > 0.99
    assert found["symmetry"] > 0.95
    assert found["bone_distance_mm"] < 0.1
    assert (found["overlap"] > 0.99, found["rotation_deg"], found["scale"]) == (True, 0.0, 1.0)
    assert judge(found) == ("pass", ())


@pytest.mark.parametrize("wrong", [pose((60, 0, 0)), pose((0, 180, 0)), pose((0, 0, 90)), pose((0, 0, 0), 18.0)])
def test_wrong_poses_fail(head: HeadImage, target: QualityTarget, wrong: NDArray[np.float64]) -> None:
    found = pose_quality(wrong, 1.0, target, head)
    verdict, reasons = judge(found)
    assert verdict == "fail"
    assert reasons


def test_the_scale_belongs_to_the_pose(head: HeadImage, target: QualityTarget) -> None:
    affine = np.diag([0.9, 0.9, 0.9, 1]) @ GRID
    small = HeadImage(head.hu, head.known, head.head, affine)
    scaled = pose_quality(np.diag([0.9, 0.9, 0.9, 1.0]), 0.9, target, small)
    assert scaled["ncc"] > 0.95
    assert scaled["bone_distance_mm"] < 0.5
    assert judge(pose_quality(np.eye(4), 1.0, target, small))[0] != "pass"


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


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({"ncc": 0.64, "inlier_fraction": 0.5}, "review", "0.64"),
        ({"ncc": 0.6}, "fail", "correlation"),
        ({"symmetry": 0.82, "ncc": 0.7, "bone_distance_mm": 1.8}, "review", "symmetry 0.82"),
        ({"symmetry": 0.7}, "fail", "symmetry"),
        ({"bone_distance_mm": 2.3}, "review", "2.3 mm apart"),
        ({"bone_distance_mm": 9.0}, "fail", "skulls"),
        ({"rotation_deg": 50.0}, "review", "50 degrees"),
        ({"rotation_deg": 150.0}, "fail", "150 degrees"),
        ({"scale": 0.7}, "review", "head size 0.70"),
        ({"overlap": 0.2}, "fail", "20% of the head"),
        ({"ncc": 0.68, "rotation_deg": 50.0}, "review", "50 degrees"),
        ({"straightened_mm": 3.1}, "review", "moved by 3.1 mm"),
        ({"straightened_mm": 4.2}, "review", "moved by 4.2 mm to match both sides of the skull"),
        ({**PLAUSIBLE, "tipped_deg": 178.0}, "fail", "upside down"),
        ({**PLAUSIBLE, "brain_hu": 62.0}, "review", "brain of 62 HU"),
    ],
)
def test_verdicts(change: dict[str, float], verdict: str, reason: str) -> None:
    found, reasons = judge({**GOOD, **change})
    assert found == verdict
    assert len(reasons) == 1
    assert reason in reasons[0]


def test_the_good_numbers_pass() -> None:
    assert judge(GOOD) == ("pass", ())
    assert judge({**GOOD, **PLAUSIBLE, "straightened_mm": 0.0}) == ("pass", ())
    assert judge({**GOOD, **PLAUSIBLE, "straightened_mm": 3.0}) == ("pass", ())


LIMIT = {"ncc": 0.7, "symmetry": 0.85, "bone_distance_mm": 1.8, "inlier_fraction": 0.45}


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, 0.0),
        ({"ncc": 0.72}, 0.4),
        ({"ncc": 0.99}, 1.0),
        ({"ncc": 0.66, "symmetry": 0.88, "bone_distance_mm": 1.6}, -0.8 + 0.6 + 0.5),
        ({"inlier_fraction": 0.36}, -0.9),
        ({"ncc": 0.8, "symmetry": 0.95, "bone_distance_mm": 1.0, "inlier_fraction": 0.34}, -np.inf),
        ({"ncc": 0.64, "symmetry": 0.95, "bone_distance_mm": 1.0, "inlier_fraction": 0.9}, -np.inf),
        ({"bone_distance_mm": 2.21, "ncc": 0.9, "symmetry": 0.95}, -np.inf),
    ],
)
def test_what_one_check_lacks_others_make_up_for(change: dict[str, float], left: float) -> None:
    quality = {**GOOD, **LIMIT, **change}
    assert balance(quality) == pytest.approx(left)
    verdict, reasons = judge(quality)
    assert verdict == ("pass" if left >= 0 else "review")
    assert bool(reasons) == (left < 0)


def test_only_what_was_measured_weighs() -> None:
    alone = {name: value for name, value in {**GOOD, **LIMIT}.items() if name != "inlier_fraction"}
    assert balance({**alone, "ncc": 0.72}) == pytest.approx(0.4)
    assert judge({**alone, "ncc": float("nan")})[0] == "fail"


def test_a_check_beyond_its_slack_does_not_pass() -> None:
    for name, (limit, slack) in LIMITS.items():
        beyond = {**GOOD, "inlier_fraction": 0.9, name: limit + 1.01 * slack}
        assert judge(beyond)[0] != "pass", name


@pytest.mark.parametrize("change", [{"tipped_deg": 178.0}, {"brain_in_view": 0.5}, {"intracranial_ml": 600.0}])
def test_however_well_the_network_agrees_what_lies_there_has_to_be_a_head(change: dict[str, float]) -> None:
    assert judge({**GOOD, **PLAUSIBLE, **change, "inlier_fraction": 1.0})[0] == "fail"


@pytest.mark.parametrize(
    ("changes", "agreed", "verdict"),
    [
        ({}, 0.9, "pass"),
        ({}, 0.5, "pass"),
        ({}, 0.42, "pass"),
        ({"ncc": 0.71, "symmetry": 0.86, "bone_distance_mm": 1.7}, 0.36, "review"),
        ({}, 0.34, "review"),
        ({}, 0.0, "review"),
        ({"ncc": 0.6}, 0.9, "review"),
        ({"ncc": 0.6}, 0.5, "review"),
        ({"ncc": 0.5}, 0.9, "fail"),
        ({"ncc": 0.7}, 0.3, "review"),
        ({"ncc": 0.6}, 0.3, "fail"),
        ({"symmetry": 0.7}, 0.3, "fail"),
        ({"bone_distance_mm": 3.6}, 0.9, "review"),
        ({"bone_distance_mm": 4.5}, 0.9, "fail"),
        ({"symmetry": 0.82}, 0.9, "pass"),
        ({"symmetry": 0.7}, 0.9, "fail"),
        ({"rotation_deg": 180.0}, 0.9, "review"),
        ({"rotation_deg": 150.0}, 0.5, "review"),
        ({"rotation_deg": 150.0}, 0.3, "fail"),
        ({"overlap": 0.2}, 0.9, "fail"),
        ({"scale": 0.7}, 0.9, "review"),
    ],
)
def test_the_position_network_has_a_say(changes: dict[str, float], agreed: float, verdict: str) -> None:
    found, reasons = judge({**GOOD, **changes, "inlier_fraction": agreed})
    assert found == verdict
    assert (found == "pass") == (not reasons)
    if found == "review":
        assert any("position network agrees with" in text for text in reasons) == (agreed < PASS_AGREEMENT)


@pytest.mark.parametrize("check", ["ncc", "symmetry", "bone_distance_mm", "overlap"])
def test_however_well_the_network_agrees_no_check_is_wiped(check: str) -> None:
    worst = {"ncc": 0.1, "symmetry": 0.1, "bone_distance_mm": FAR_MM, "overlap": 0.05}
    assert judge({**GOOD, check: worst[check], "inlier_fraction": 1.0})[0] == "fail"
