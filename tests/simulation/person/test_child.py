"""Children: what grows with age, a face that is smaller than the braincase, and a look without age."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.person.child import AGES, BONE, SIZE, Child, child_look, child_shape, draw_child
from scripts.simulation.person.look import Look
from scripts.simulation.person.shape import identity_shape


def test_sizes_grow_with_age_up_to_an_adults() -> None:
    for values in (SIZE, BONE):
        grown = [Child(age).at_this_age(values) for age in np.linspace(2, 18, 20)]
        assert (np.diff(grown) >= 0).all()
        assert grown[-1] == 1


def test_a_childs_head_is_smaller_and_its_face_smaller_still() -> None:
    shape = child_shape(identity_shape(), Child(2.0))
    vertex, nose, forehead = np.array([(0.0, -8.0, 100.0), (0.0, 85.0, -60.0), (0.0, 70.0, 40.0)])
    moved = shape.forward(np.array([vertex, nose, forehead]))
    np.testing.assert_allclose(moved[[0, 2]], SIZE[0] * np.array([vertex, forehead]), atol=0.01)
    height = (moved[0, 2] - moved[1, 2]) / (vertex[2] - nose[2])
    assert height < SIZE[0] - 0.03
    np.testing.assert_allclose(shape.source(moved), [vertex, nose, forehead], atol=0.05)


def test_an_adult_keeps_the_shape() -> None:
    shape = child_shape(identity_shape(), Child(18.0))
    np.testing.assert_array_equal(shape.displacement, 0)
    np.testing.assert_array_equal(shape.scale, 1)


def test_a_child_has_neither_calcium_nor_wide_sulci_and_thin_bone() -> None:
    look = child_look(Look(120.0, ("falx",), 1.1, 9.0, 2, 1.0), Child(5.0))
    assert (look.calcified, look.ventricles, look.sulci) == ((), 0, 0.0)
    assert look.bone_density == pytest.approx(1.1 * 0.82)
    assert (look.contrast_hu, look.dura_hu) == (120.0, 9.0)


def test_ages_keep_their_bounds() -> None:
    ages = [draw_child(np.random.default_rng(seed)).age for seed in range(200)]
    assert AGES[0] <= min(ages) < 3 < 11 < max(ages) <= AGES[1]
