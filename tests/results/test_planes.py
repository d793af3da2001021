"""`planes`: every pixel shows the voxel at its own millimetre, whatever way the volume is stored."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scripts.results.planes import Plane, head_box_mm, peak_mm, plane_through, sample

TILT = np.deg2rad(18.5)
GEOMETRIES = {
    "canonical": (np.diag([1.0, 1, 1, 1]), (60, 60, 60)),
    "flipped and permuted": (
        np.array([[0, -0.5, 0, 15], [0, 0, -2.0, 20], [0.7, 0, 0, -8], [0, 0, 0, 1.0]]),
        (30, 60, 20),
    ),
    "oblique": (np.array([[0.8, -0.6, 0, 3], [0.6, 0.8, 0, -20], [0, 0, 3, -9], [0, 0, 0, 1.0]]), (40, 40, 12)),
    "tilted gantry": (
        np.array([[-1, 0, 0, 20], [0, -1, 5 * np.sin(TILT), 25], [0, 0, 5, -20], [0, 0, 0, 1.0]]),
        (40, 50, 10),
    ),
}


def field(points: np.ndarray) -> np.ndarray:
    """A function of world position that linear interpolation reproduces exactly."""
    return points @ np.array([1.0, -2.0, 0.5]) + 7


def on_grid(affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The field at every voxel."""
    return field(np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3])


@pytest.mark.parametrize("kind", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_pixel_shows_what_is_at_its_millimetre(name: str, kind: str) -> None:
    affine, shape = GEOMETRIES[name]
    plane = plane_through(kind, np.array([1.0, 2.0, 3.0]), np.zeros(3), 60, 50)
    shown = sample(on_grid(affine, shape), affine, plane, np.nan)
    voxels = (plane.points_mm() - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    known = ((voxels >= 0) & (voxels <= np.array(shape) - 1)).all(axis=-1)
    far = ((voxels < -0.5) | (voxels > np.array(shape) - 0.5)).any(axis=-1)
    assert known.sum() > 100
    np.testing.assert_allclose(shown[known], field(plane.points_mm())[known], atol=1e-9)
    assert np.isnan(shown[far]).all()
    assert np.isfinite(shown[~far]).all()


def test_negative_control_a_shear_that_is_dropped_is_seen() -> None:
    affine, shape = GEOMETRIES["tilted gantry"]
    plane = plane_through("sagittal", np.zeros(3), np.zeros(3), 30, 30)
    straight = affine.copy()
    straight[1, 2] = 0
    difference = sample(on_grid(affine, shape), straight, plane, 0.0) - field(plane.points_mm())
    assert np.abs(difference).max() > 5


@pytest.mark.parametrize(
    ("kind", "right", "down"),
    [("axial", (-1, 0, 0), (0, -1, 0)), ("coronal", (-1, 0, 0), (0, 0, -1)), ("sagittal", (0, -1, 0), (0, 0, -1))],
)
def test_planes_are_turned_as_radiologists_expect(kind: str, right: tuple, down: tuple) -> None:
    """World is (right, anterior, superior): going right in an axial image goes to the patient's left."""
    plane = plane_through(kind, np.array([5.0, 6, 7]), np.array([1.0, 1, 1]), 100, 50)
    points = plane.points_mm()
    np.testing.assert_allclose(points[0, 1] - points[0, 0], 2 * np.array(right))
    np.testing.assert_allclose(points[1, 0] - points[0, 0], 2 * np.array(down))
    assert plane.letters == {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}[kind]


@pytest.mark.parametrize("kind", ["axial", "coronal", "sagittal"])
def test_the_plane_contains_its_point_and_pixel_is_the_inverse_of_points(kind: str) -> None:
    point = np.array([5.0, 6, 7])
    plane = plane_through(kind, point, np.array([1.0, 1, 1]), 100, 50)
    row, column = plane.pixel(point)
    np.testing.assert_allclose(plane.corner_mm + row * plane.down_mm + column * plane.right_mm, point)
    for row, column in itertools.product((0, 13, 49), repeat=2):
        assert plane.pixel(plane.points_mm()[row, column]) == pytest.approx((row, column))


def test_the_middle_of_the_image_is_the_centre() -> None:
    plane = plane_through("axial", np.array([0.0, 0, 9]), np.array([1.0, 2, 3]), 100, 51)
    np.testing.assert_allclose(plane.points_mm()[25, 25], [1, 2, 9])


def test_one_slice_is_half_a_voxel_thick_on_either_side() -> None:
    for height, seen in ((0.4, True), (0.6, False)):
        plane = plane_through("axial", np.array([0.0, 0, height]), np.full(3, 2.0), 2, 2)
        assert (sample(np.ones((5, 5, 1)), np.eye(4), plane, 0.0) == seen).all()


def test_labels_are_not_mixed() -> None:
    labels = np.zeros((4, 4, 4), np.uint8)
    labels[2:] = 3
    plane = Plane("axial", "RLAP", 31, np.array([0.0, 1, 1]), np.array([0.1, 0, 0]), np.zeros(3))
    assert set(np.unique(sample(labels, np.eye(4), plane, 0.0, order=0))) == {0, 3}


def test_peak_is_a_world_position() -> None:
    affine, shape = GEOMETRIES["flipped and permuted"]
    heatmap = np.zeros(shape)
    heatmap[3, 50, 10] = 1
    # By hand: x = -0.5 * 50 + 15, y = -2 * 10 + 20, z = 0.7 * 3 - 8.
    np.testing.assert_allclose(peak_mm(heatmap, affine), [-10, 0, -5.9])


def test_the_peak_is_looked_for_inside_the_regions() -> None:
    heatmap, regions = np.zeros((4, 4, 4)), np.zeros((4, 4, 4), np.uint8)
    heatmap[0, 0, 0], heatmap[3, 2, 1], regions[3, 2, 1] = 9, 5, 2
    np.testing.assert_allclose(peak_mm(heatmap, np.eye(4)), [0, 0, 0])
    np.testing.assert_allclose(peak_mm(heatmap, np.eye(4), regions), [3, 2, 1])


def test_the_box_is_that_of_the_head_not_of_the_table() -> None:
    volume = np.full((60, 60, 60), -1000.0)
    volume[20:40, 10:30, 8:48] = 40
    volume[:, 55:57] = 40
    box = head_box_mm(volume, np.diag([-1.0, 1, 1, 1]))
    np.testing.assert_allclose(box, [[-39, 10, 8], [-20, 29, 47]], atol=4)


def test_the_box_of_nothing_is_the_grid() -> None:
    np.testing.assert_allclose(head_box_mm(np.full((9, 9, 9), -1000.0), np.eye(4)), [[0, 0, 0], [8, 8, 8]])
