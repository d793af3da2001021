"""A pose that was drawn aside finds the plane about which the skull is symmetric again."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_head import analytic_head
from numpy.typing import NDArray

from scripts.geometry.coordinates import CENTRE_MM
from scripts.registration.checks import QualityTarget, quality_target, symmetry
from scripts.registration.mid_plane import moved_plane, straightened
from scripts.registration.score import HeadImage, head_image, level

Array = NDArray[np.float64]
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
    points = np.moveaxis(np.indices(SHAPE), 0, -1) * 2.0 - 100.0
    return quality_target(head, head.head, np.asarray(np.linalg.norm(points, axis=-1) < 60))


@pytest.mark.parametrize("aside", [(4.0, 0, 0), (-5.0, np.deg2rad(3), np.deg2rad(-4)), (0, np.deg2rad(-6), 0)])
def test_a_pose_that_was_drawn_aside_is_brought_back(
    head: HeadImage, target: QualityTarget, aside: tuple[float, float, float]
) -> None:
    fine, wrong = level(head, 4.0), moved_plane(np.array(aside))
    found, moved_mm = straightened(wrong, target.points, fine)
    points = np.array([[x, y, z, 1.0] for x in (-60, 60) for y in (-80, 80) for z in (-40, 60)])
    assert np.abs((points @ (found - np.eye(4)).T)[:, :3]).max() < 2.0
    assert symmetry(found, target.points, fine) > symmetry(wrong, target.points, fine)
    assert moved_mm > 1.5


def test_what_symmetry_says_nothing_of_is_kept(head: HeadImage, target: QualityTarget) -> None:
    pitched = np.eye(4)
    pitched[1:3, 1:3] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    pitched[1, 3] = 5.0
    found, _ = straightened(pitched, target.points, level(head, 4.0))
    change = np.linalg.inv(pitched) @ found
    assert abs(change[1, 2]) < 0.02, "no pitch is added"
    np.testing.assert_allclose((change @ [*CENTRE_MM, 1])[1:3], CENTRE_MM[1:], atol=1e-6)


def test_a_straight_pose_stays(head: HeadImage, target: QualityTarget) -> None:
    """All but: the left ear and ventricle of this head are larger."""
    _, moved_mm = straightened(np.eye(4), target.points, level(head, 4.0))
    assert moved_mm < 1.5


def test_the_plane_moves_about_the_middle_of_the_brain() -> None:
    change = moved_plane(np.array([3.0, 0.2, -0.1]))
    np.testing.assert_allclose(change @ [*CENTRE_MM, 1], [CENTRE_MM[0] + 3, *CENTRE_MM[1:], 1])
    np.testing.assert_allclose(change[:3, :3] @ change[:3, :3].T, np.eye(3), atol=1e-12)
