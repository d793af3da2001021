"""Skews: that displacements are antisymmetric, how far they part a skull from its mirror image, and their bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from mirror_gap import mirror_gaps_mm
from toy_anatomy import toy_anatomy

from scripts.geometry.coordinates import grid_affine
from scripts.simulation.anatomy.labels import BONE
from scripts.simulation.person.head import drawn_labels
from scripts.simulation.person.shape import identity_shape
from scripts.simulation.person.skew import LARGEST_SHEAR, NOISE_MM, TORQUE_MM, Skew, antisymmetric, draw_skew, skewed


def gap_mm(skew: Skew) -> float:
    """The mean gap between the skull of a toy head of this skew and its mirror image; medians stick to whole voxels."""
    labels, start = drawn_labels(toy_anatomy(), skewed(identity_shape(), skew, np.random.default_rng(3)))
    affine = grid_affine()
    affine[:3, 3] += start
    return float(mirror_gaps_mm(np.isin(labels, BONE), affine).mean())


def test_each_part_of_a_skew_makes_the_halves_of_the_skull_differ() -> None:
    assert gap_mm(Skew()) < 0.1
    for part in (Skew(shear=0.05), Skew(torque_mm=3.0), Skew(noise_mm=3.0)):
        assert 0.5 < gap_mm(part) < 4


def test_a_larger_skew_parts_them_farther() -> None:
    assert gap_mm(Skew(noise_mm=1.0)) < gap_mm(Skew(noise_mm=2.0)) < gap_mm(Skew(noise_mm=4.0))


def test_mirroring_an_antisymmetric_displacement_negates_it() -> None:
    moved = antisymmetric(np.random.default_rng(0).standard_normal((3, 5, 4, 3)))
    image = moved[:, ::-1] * np.reshape((-1.0, 1.0, 1.0), (3, 1, 1, 1))
    np.testing.assert_allclose(image, -moved)


def test_shear_moves_the_right_side_of_the_occiput_forward() -> None:
    shape = skewed(identity_shape(), Skew(shear=0.05), np.random.default_rng(0))
    points = np.array([(60.0, -80.0, 0.0), (-60.0, -80.0, 0.0), (60.0, 30.0, 0.0)])
    right, left, front = shape.forward(points) - points
    assert right[1] == pytest.approx(3, abs=0.1)
    assert left[1] == pytest.approx(-3, abs=0.1)
    assert np.abs(front).max() < 0.1


def test_torque_lets_the_right_frontal_and_the_left_occipital_lobe_bulge() -> None:
    shape = skewed(identity_shape(), Skew(torque_mm=3.0), np.random.default_rng(0))
    points = np.array([(38.0, 47.0, 30.0), (-38.0, 47.0, 30.0), (34.0, -80.0, 20.0), (-34.0, -80.0, 20.0)])
    outward = np.linalg.norm(shape.forward(points) - (0, -8, 12), axis=1) - np.linalg.norm(points - (0, -8, 12), axis=1)
    assert np.sign(outward).tolist() == [1, -1, -1, 1]
    assert (np.abs(outward) > 0.8).all()


def test_the_mid_plane_stays_nearly_straight() -> None:
    shape = skewed(identity_shape(), Skew(noise_mm=3.0), np.random.default_rng(1))
    middle = np.stack([np.zeros(40), np.linspace(-80, 60, 40), np.full(40, 30.0)], axis=1)
    assert np.abs(shape.forward(middle)[:, 0]).max() < 2


def test_skews_keep_their_bounds_and_a_seed_fixes_them() -> None:
    skews = [draw_skew(np.random.default_rng(seed)) for seed in range(300)]
    assert max(abs(skew.shear) for skew in skews) <= LARGEST_SHEAR
    assert max(abs(skew.torque_mm) for skew in skews) <= TORQUE_MM[1]
    assert NOISE_MM[0] <= min(skew.noise_mm for skew in skews) < max(skew.noise_mm for skew in skews) <= NOISE_MM[1]
    assert 0.15 < np.mean([skew.torque_mm < 0 for skew in skews]) < 0.35
    assert draw_skew(np.random.default_rng(4)) == skews[4]


def test_a_skewed_shape_can_be_inverted() -> None:
    skew = Skew(LARGEST_SHEAR, TORQUE_MM[1], NOISE_MM[1])
    shape = replace(skewed(identity_shape(), skew, np.random.default_rng(2)), scale=np.array([0.95, 1.1, 1.0]))
    points = np.random.default_rng(0).uniform(-80, 80, (50, 3))
    np.testing.assert_allclose(shape.source(shape.forward(points)), points, atol=0.01)
