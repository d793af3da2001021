"""The analytic head: true at every point of any grid, and like itself in no mirror."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_head import AIR_HU, EDGE_MM, HEAD, analytic_head, hu_at, sphere
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rotation(degrees: float, axis: int) -> Array:
    """A 4x4 rotation about one axis."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(4)
    a, b = [n for n in range(3) if n != axis]
    matrix[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return matrix


def grid(spacing_mm: float = 6.0, shape: tuple[int, int, int] = (34, 42, 40)) -> Array:
    """An axis-aligned affine whose grid is centred a little below the middle of the braincase."""
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = -spacing_mm * (np.array(shape) - 1) / 2 - (0, 0, 20)
    return affine


def sheared() -> Array:
    """A tilted scan with flipped axes: slices move along z, their planes lean."""
    affine = np.array([[-5.0, 0, 0, 100], [0, -5.0, 0, 120], [0, 1.7, 7.0, -140], [0, 0, 0, 1]])
    return rotation(10, 2) @ affine


def every_point(shape: tuple[int, int, int], affine: Array) -> Array:
    """World coordinates (I, J, K, 3) of all voxel centres."""
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1) @ affine[:3, :3].T + affine[:3, 3]


@pytest.mark.parametrize("affine", [grid(), sheared(), rotation(37, 0) @ grid()], ids=["plain", "sheared", "oblique"])
def test_a_grid_holds_the_value_of_each_of_its_points(affine: Array) -> None:
    """Skipping what lies outside a part's block changes nothing: all parts at all points give the same."""
    lesion, shape = sphere((-40, -20, 25), 15, 65), (34, 42, 40)
    expected = hu_at(every_point(shape, affine), lesion)
    got = analytic_head(shape, affine, lesion)
    assert got.dtype == np.float32
    assert np.ptp(got) > 1900
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_moving_the_head_is_moving_the_points() -> None:
    """`to_world` M: the value at a world point is the head's value at M^-1 of it."""
    shape, affine, move = (34, 42, 40), grid(), rotation(25, 1) @ rotation(-15, 2)
    move[:3, 3] = 8, -5, 3
    points = every_point(shape, np.linalg.inv(move) @ affine)
    np.testing.assert_allclose(analytic_head(shape, affine, to_world=move), hu_at(points), atol=1e-3)


def test_known_points() -> None:
    """A few points of the table, by hand."""
    points = np.array([[0, 0, 300], [-30, 60, 10], [-11, 4, 14], [34, 67, -46], [73, 0, 0], [-40, -20, 25]], float)
    assert hu_at(points).tolist()[:4] == [AIR_HU, 29, 5, 8]
    assert hu_at(points)[4] > 700
    assert hu_at(points, sphere((-40, -20, 25), 3, 70))[5] == 70


def test_edges_are_ramps() -> None:
    """Across the surface of a lone ball, HU falls linearly over `EDGE_MM`, and the surface itself is half way."""
    ball = sphere((0, 0, 400), 10, 100)
    offsets = np.array([-EDGE_MM, -EDGE_MM / 4, 0, EDGE_MM / 4, EDGE_MM])
    points = np.stack([np.zeros(5), np.zeros(5), 410 + offsets], axis=-1)
    np.testing.assert_allclose(hu_at(points, ball), 100 - 1100 * np.array([0, 0.25, 0.5, 0.75, 1]), atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_no_mirror_image_of_the_head_is_the_head(axis: int) -> None:
    """Left and right, front and back, top and bottom differ by many voxels, so a swapped axis can't go unseen."""
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = -102
    head = analytic_head((52, 52, 52), affine)
    assert (np.abs(head - np.flip(head, axis)) > 50).sum() > 100


def test_it_is_as_large_as_a_head() -> None:
    """Braincase with skin 160 x 196 mm; with ears and nose it is wider and longer."""
    widest = np.max([np.add(part.centre_mm, part.radii_mm) for part in HEAD], axis=0)
    narrowest = np.min([np.subtract(part.centre_mm, part.radii_mm) for part in HEAD], axis=0)
    assert np.all(widest - narrowest > (160, 200, 240))
    assert np.all(widest < (127, 127, 127))
    profile = analytic_head((1, 256, 1), np.array([[1.0, 0, 0, 0], [0, 1, 0, -127.5], [0, 0, 1, 20], [0, 0, 0, 1]]))
    assert 185 < (profile > -300).sum() < 196


def test_bad_grids_are_named() -> None:
    """What was wrong is in the message."""
    with pytest.raises(ValueError, match=r"three positive numbers of voxels, got \(4, 0, 4\)"):
        analytic_head((4, 0, 4), np.eye(4))
    with pytest.raises(ValueError, match="affine must be an invertible 4x4"):
        analytic_head((4, 4, 4), np.diag([1.0, 0, 1, 1]))
    with pytest.raises(ValueError, match="to_world must be an invertible 4x4"):
        analytic_head((4, 4, 4), np.eye(4), to_world=np.zeros((4, 4)))
