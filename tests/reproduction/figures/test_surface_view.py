"""Views of a surface: depth, side, shade and values of shapes that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reproduction.figures.surface_view import DARKEST, VIEWS, first_depth, surface_view

SPACING = np.array((2.0, 1.0, 4.0))
SIDE_MM = 120.0


def ball(radius_mm: float = 40.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mask of a ball around the world's (10, -5, 3), world positions of the voxels (3, ...), affine."""
    shape = (60, 110, 30)
    affine = np.diag([*SPACING, 1.0])
    affine[:3, 3] = np.array((10, -5, 3)) - SPACING * (np.array(shape) - 1) / 2
    points = np.indices(shape) * SPACING[:, None, None, None] + affine[:3, 3, None, None, None]
    return np.linalg.norm(points - np.reshape((10, -5, 3), (3, 1, 1, 1)), axis=0) <= radius_mm, points, affine


@pytest.mark.parametrize("view", VIEWS)
def test_a_ball_from_every_side(view: str) -> None:
    mask, points, affine = ball()
    seen = surface_view(mask, points[0] * 0.0, affine, view, SIDE_MM)
    steps = np.arange(120) + 0.5 - 60
    radius = np.hypot(steps[:, None], steps[None, :])
    expected = -np.sqrt(np.maximum(40**2 - radius**2, 0))
    inside = radius < 34
    assert np.abs(seen.depth_mm - expected)[inside].max() < 3.0, "within a voxel of 4 mm"
    assert np.abs(seen.depth_mm - expected)[inside].mean() < 1.0
    assert np.isnan(seen.depth_mm[radius > 44]).all()
    assert (seen.shade[radius > 44] == 0).all()
    assert seen.shade[inside].min() >= DARKEST
    assert seen.shade[40:60, 40:60].mean() > seen.shade[62:80, 62:80].mean(), "the light comes over the left shoulder"


@pytest.mark.parametrize(
    ("view", "axis", "sign", "left", "down"),
    [
        ("from the right", 0, 1, (1, -1), (2, -1)),
        ("from the left", 0, -1, (1, 1), (2, -1)),
        ("from the front", 1, 1, (0, 1), (2, -1)),
        ("from above", 2, 1, (0, -1), (1, -1)),
    ],
)
def test_sides_are_where_they_belong(
    view: str, axis: int, sign: int, left: tuple[int, int], down: tuple[int, int]
) -> None:
    """What is seen lies on the viewer's side; world axes (axis, sign) that are image left and image down."""
    mask, points, affine = ball()
    centre = np.reshape((10, -5, 3), (3, 1, 1, 1))
    relative = points - centre
    near = surface_view(mask, relative[axis] * sign, affine, view, SIDE_MM)
    assert near.values[50:70, 50:70].min() > 25, "the near side"
    to_left = surface_view(mask, relative[left[0]] * left[1] + 100, affine, view, SIDE_MM).values
    assert to_left[55:65, 30].mean() > to_left[55:65, 90].mean() + 40
    downward = surface_view(mask, relative[down[0]] * down[1] + 100, affine, view, SIDE_MM).values
    assert downward[90, 55:65].mean() > downward[30, 55:65].mean() + 40


def test_the_largest_value_just_below_the_surface_is_shown() -> None:
    mask, points, affine = ball()
    depth = 40 - np.linalg.norm(points - np.reshape((10, -5, 3), (3, 1, 1, 1)), axis=0)
    values = np.where((depth > 1) & (depth < 4), 7.0, np.where(depth >= 12, 99.0, 1.0))
    seen = surface_view(mask, values, affine, "from the front", SIDE_MM)
    assert 5.0 < seen.values[60, 60] <= 7.0, "not the 99 far inside"


def test_rays_meet_a_wall_between_samples() -> None:
    solid = np.zeros((4, 4, 20), np.float32)
    solid[:, :, 10:] = 1.0
    rays = np.array([[[1.0, 1.0, 0.0]]])
    depth = first_depth(solid, np.eye(4), rays, np.array((0.0, 0.0, 1.0)), np.arange(0.0, 19.0))
    assert depth[0, 0] == pytest.approx(9.5)


@pytest.mark.parametrize(("shape", "filled"), [((3, 3, 3), False), ((3, 3, 2), True)])
def test_nothing_to_see_is_refused(shape: tuple[int, int, int], filled: bool) -> None:
    mask = np.full((3, 3, 3), filled)
    with pytest.raises(ValueError, match="a surface needs voxels and a value for each"):
        surface_view(mask, np.zeros(shape), np.eye(4), "from the left", SIDE_MM)
