from __future__ import annotations

import numpy as np

from scripts.geometry.affines import transform_points
from scripts.skull.rays import sampled, view


def test_points_are_sampled_linearly_through_a_sheared_and_turned_grid() -> None:
    rng = np.random.default_rng(0)
    affine = np.array([[0.0, 1.5, 0.2, -30], [-0.9, 0, 0, 40], [0, 0.3, 2.0, -20], [0, 0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, 3] = 3, -2, 5
    index = np.stack(np.meshgrid(*map(np.arange, (60, 40, 30)), indexing="ij"), -1).reshape(-1, 3)
    slope = np.array([2.0, -1.0, 3.0])
    hu = (transform_points(matrix @ affine, index) @ slope).reshape(60, 40, 30).astype(np.float32)
    seen = view(hu, affine, matrix)
    inside = transform_points(matrix @ affine, rng.uniform(0, (59, 39, 29), (50, 3)))
    found = sampled(seen, inside)
    np.testing.assert_allclose(found.hu, inside @ slope, atol=1e-2)
    assert found.known.all()
    outside = sampled(seen, transform_points(matrix @ affine, np.array([[-0.6, 5, 5], [5, 5, 29.6], [5, 39.4, 5]])))
    assert outside.known.tolist() == [False, False, True]


def test_padding_is_unknown_and_what_is_no_head_is_said() -> None:
    hu = np.full((60, 60, 60), -1000, np.float32)
    hu[15:45, 15:45, 15:45] = 40
    hu[:, :, 50:] = -2000
    seen = view(hu, np.eye(4), np.eye(4))
    found = sampled(seen, np.array([[30.0, 30, 30], [5, 5, 30], [30, 30, 55]]))
    assert found.known.tolist() == [True, True, False]
    assert found.head.tolist() == [True, False, False]
