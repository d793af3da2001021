"""The benchmark of the verdict: what it does to a scan, and how it counts."""

from __future__ import annotations

from dataclasses import replace

import broken
import numpy as np
import pytest
import verdict
from analytic_head import analytic_head
from registration_cases import Case, moved

from scripts.geometry.coordinates import CENTRE_MM
from scripts.volume import AIR_HU, UNKNOWN_HU

GOOD = {"ncc": 0.8, "symmetry": 0.9, "bone_distance_mm": 1.0, "overlap": 0.7, "rotation_deg": 10.0, "scale": 1.0}


@pytest.fixture(scope="module")
def case() -> Case:
    """The analytic head, which lies in reference space as it is, in 60 slices of 4 mm, with a corner unknown."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -118.0
    volume = analytic_head((60, 60, 60), affine)
    volume[:3, :3] = UNKNOWN_HU
    points = np.argwhere(volume > -300)[::50] @ affine[:3, :3] + affine[:3, 3]
    return Case(9, "0", volume, affine, np.eye(4), points)


def test_a_fair_pose_shows_the_same_head_elsewhere(case: Case) -> None:
    for row in range(4):
        found = verdict.fair(case, np.random.default_rng(row))
        index = np.rint(moved(np.linalg.inv(found.affine), found.points)).astype(int)
        assert np.mean(found.volume[tuple(index.T)] > -300) > 0.95
        heights = moved(found.truth, found.points)[:, 2]
        assert -99 <= heights.min() < heights.max() <= 120
        turn = found.truth[:3, :3]
        assert 1 < np.rad2deg(np.arccos((np.trace(turn) - 1) / 2)) < 35
        np.testing.assert_allclose(moved(found.truth, np.array([CENTRE_MM])), [CENTRE_MM], atol=1e-9)
        assert found.volume[0, 0, 0] == UNKNOWN_HU


def test_two_slices_become_one_where_they_were(case: Case) -> None:
    volume, affine = verdict.thicker(case.volume, case.affine)
    assert volume.shape == (60, 60, 30)
    assert volume[30, 30, 7] == pytest.approx(case.volume[30, 30, 14:16].mean())
    np.testing.assert_allclose(affine @ [3, 4, 7, 1], case.affine @ [3, 4, 14.5, 1])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_a_head_is_cut_at_the_middle_of_the_brain(case: Case, axis: int) -> None:
    for seed in range(3):
        volume, affine = broken.half(axis)(case, np.random.default_rng(seed))
        left = np.argwhere(volume > -300) @ affine[:3, :3] + affine[:3, 3]
        whole = np.argwhere(case.volume > -300) @ affine[:3, :3] + affine[:3, 3]
        sides = np.sign(left[:, axis] - CENTRE_MM[axis])
        assert len(np.unique(sides[sides != 0])) == 1
        assert 0.2 < len(left) / len(whole) < 0.8
        assert set(np.unique(volume[volume < -1010])) <= {AIR_HU, UNKNOWN_HU}


def test_every_break_changes_something_and_keeps_to_volumes(case: Case) -> None:
    for name, change in broken.breaks().items():
        volume, affine = change(case, np.random.default_rng(1))
        assert volume.ndim == 3
        assert affine.shape == (4, 4)
        same = volume.shape == case.volume.shape and np.array_equal(volume, case.volume)
        assert not (same and np.allclose(affine, case.affine)), name


def test_a_head_with_a_bleed_is_turned_and_not_broken(case: Case) -> None:
    ((name, kind, make),) = verdict.inputs(replace(case, kind="bleed b"), 0)
    found = make()
    assert (name, kind, found.kind) == ("head_09_bleed b", "bleed", "bleed")
    assert np.array_equal(found.volume, case.volume)
    assert not np.allclose(found.affine, case.affine)


def test_kinds_take_turns(case: Case) -> None:
    names = [name for head in range(15) for name, _, _ in verdict.inputs(replace(case, kind=str(head)), 7 * head)]
    kinds = [kind for head in range(15) for _, kind, _ in verdict.inputs(case, 7 * head)]
    assert len(set(names)) == len(names) == 15 * 21
    others = [kind for kind in kinds if kind != "fair"]
    assert len(others) == 105
    assert set(others) == set(broken.breaks())


def test_the_tables_count_what_was_let_through(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"anatomy": 12, "kind": "fair", "quality": GOOD, "error_mm": 3.0},
        {"anatomy": 12, "kind": "fair", "quality": {**GOOD, "ncc": 0.68, "symmetry": 0.81}, "error_mm": 12.0},
        {"anatomy": 13, "kind": "fair", "quality": {**GOOD, "ncc": 0.2}, "error_mm": 50.0},
        {"anatomy": 13, "kind": "bleed", "quality": {**GOOD, "straightened_mm": 4.0}, "error_mm": 4.0},
        {"anatomy": 13, "kind": "body", "quality": {}},
        {"anatomy": 13, "kind": "body", "quality": GOOD},
        {"anatomy": 13, "kind": "water", "quality": {**GOOD, "symmetry": 0.2}},
    ]
    verdict.summary(rows)
    lines = capsys.readouterr().out.splitlines()
    assert "| all, 3 | 1 | 1 | 1 | 1 |" in lines
    assert "| with a bleed, 1 | 0 | 1 | 0 | 0 |" in lines
    assert "| head_12, 2 | 1 | 1 | 0 | 1 |" in lines
    assert "| body | 2 | 1 | 0 | 1 |" in lines
    assert "| all | 3 | 1 | 1 | 1 |" in lines
