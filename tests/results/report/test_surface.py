"""The surface through a volume is closed, faces out, and lies where the field crosses the level."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.results.report.surface import surface


def ball(radius: float, shape: tuple[int, int, int] = (25, 27, 29)) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A field that is the radius minus the distance from a middle, and the middle."""
    middle = np.array(shape) / 2 - 0.2
    return radius - np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - middle, axis=-1), middle


def edges(triangles: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The edges of triangles, in the direction in which each goes round."""
    return np.concatenate([triangles[:, [one, other]] for one, other in ((0, 1), (1, 2), (2, 0))])


def volume(vertices: NDArray[np.float32], triangles: NDArray[np.uint32]) -> float:
    """The volume inside a closed surface that faces out; negative if it faces in."""
    a, b, c = np.moveaxis(vertices.astype(np.float64)[triangles], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


@pytest.mark.parametrize("radius", [4.0, 10.3])
def test_a_ball(radius: float) -> None:
    field, middle = ball(radius)
    vertices, triangles = surface(field, 0.0)
    assert np.abs(np.linalg.norm(vertices - middle, axis=1) - radius).max() < 0.1
    assert volume(vertices, triangles) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.08)
    ordered = {tuple(edge) for edge in edges(triangles).tolist()}
    assert len(ordered) == 3 * len(triangles), "no edge goes the same way twice"
    assert ordered == {(b, a) for a, b in ordered}, "each edge has one triangle on either side: closed"
    assert len(vertices) - len(ordered) // 2 + len(triangles) == 2, "Euler's number of a ball"


def test_a_hole_in_a_ball_faces_into_the_hole() -> None:
    field, _ = ball(10.0)
    whole, shell = surface(field, 0.0), surface(np.minimum(field, 5.5 - field), 0.0)
    assert volume(*shell) == pytest.approx(volume(*whole) - 4 / 3 * np.pi * 4.5**3, rel=0.05)


def test_one_voxel_has_eight_corners() -> None:
    field = np.zeros((4, 4, 4))
    field[1, 2, 1] = 1
    vertices, triangles = surface(field, 0.5)
    assert (len(vertices), len(triangles)) == (8, 12)
    np.testing.assert_allclose(vertices.mean(axis=0), [1, 2, 1])
    assert volume(vertices, triangles) > 0


def test_nothing_has_no_surface() -> None:
    vertices, triangles = surface(np.zeros((4, 4, 4)), 0.5)
    assert (vertices.shape, triangles.shape) == ((0, 3), (0, 3))
