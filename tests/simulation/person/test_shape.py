"""Shapes: the inverse, the bounds, the mirror, and that a seed fixes them."""

from __future__ import annotations

import numpy as np

from scripts.simulation.anatomy.common_space import MEAN_CENTROIDS
from scripts.simulation.person.shape import draw_shape, identity_shape


def test_forward_inverts_source() -> None:
    for seed in range(6):
        shape = draw_shape(np.random.default_rng(seed))
        there = shape.forward(MEAN_CENTROIDS)
        np.testing.assert_allclose(shape.source(there), MEAN_CENTROIDS, atol=0.01)


def test_scales_and_displacements_keep_their_bounds() -> None:
    peaks = []
    for seed in range(30):
        shape = draw_shape(np.random.default_rng(seed))
        assert np.abs(shape.scale - 1).max() <= 0.1 + 1e-9
        peaks.append(np.sqrt((shape.displacement**2).sum(axis=0)).max())
    assert max(peaks) <= 8.5 + 1e-9
    assert max(peaks) > 7
    assert min(peaks) > 2


def test_the_displacement_does_not_fold() -> None:
    for seed in range(6):
        displacement = draw_shape(np.random.default_rng(seed)).displacement
        steepest = max(np.abs(np.diff(displacement, axis=axis)).max() for axis in (1, 2, 3)) / 8
        assert steepest < 0.5


def test_half_of_the_heads_are_mirrored_and_left_becomes_right() -> None:
    shapes = [draw_shape(np.random.default_rng(seed)) for seed in range(60)]
    assert 15 < sum(shape.flipped for shape in shapes) < 45
    mirrored = next(shape for shape in shapes if shape.flipped)
    assert mirrored.forward(MEAN_CENTROIDS[:1])[0, 0] > 0 > MEAN_CENTROIDS[0, 0]


def test_a_seed_fixes_the_shape_and_the_identity_changes_nothing() -> None:
    one, again, other = (draw_shape(np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.displacement, again.displacement)
    assert (one.displacement != other.displacement).any()
    np.testing.assert_array_equal(identity_shape().source(MEAN_CENTROIDS), MEAN_CENTROIDS)
