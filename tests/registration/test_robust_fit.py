"""The robust similarity against scipy, a slow loop, and matches most of which are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from geometries import rotation
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from scripts.registration.robust_fit import (
    INLIER_MM,
    Matches,
    agreement,
    joined,
    residuals,
    robust_similarity,
    scale_of,
    similarities,
)

Array = NDArray[np.float64]


def pose(scale: float, angles_deg: tuple[float, float, float], shift_mm: tuple[float, float, float]) -> Array:
    """A similarity (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = scale * rotation(*angles_deg)
    matrix[:3, 3] = shift_mm
    return matrix


def matches(truth: Array, count: int, noise_mm: float, wrong: float, seed: int = 0) -> Matches:
    """Matches at a pose; a share of them is wrong, by any distance within the head."""
    rng = np.random.default_rng(seed)
    reference = rng.uniform(-80, 80, (count, 3))
    scan = reference @ truth[:3, :3].T + truth[:3, 3]
    predicted = reference + rng.normal(0, noise_mm, reference.shape)
    bad = rng.random(count) < wrong
    predicted[bad] = rng.uniform(-80, 80, (int(bad.sum()), 3))
    return Matches(scan, predicted, np.ones(count))


def test_the_closed_form_is_where_a_slow_minimiser_ends() -> None:
    rng = np.random.default_rng(1)
    source, target, weight = rng.normal(0, 50, (9, 3)), rng.normal(0, 50, (9, 3)), rng.uniform(0.2, 1, 9)
    target = 1.1 * source @ rotation(25, -40, 60).T + 0.2 * target

    def cost(parameters: Array) -> float:
        turned = np.exp(parameters[6]) * Rotation.from_rotvec(parameters[:3]).apply(source) + parameters[3:6]
        return float((weight * ((turned - target) ** 2).sum(axis=1)).sum())

    found = similarities(source[None], target[None], weight[None])[0]
    start = [*Rotation.from_matrix(rotation(25, -40, 60)).as_rotvec(), 0, 0, 0, 0]
    slow = minimize(cost, start, method="BFGS", options={"gtol": 1e-9}).fun
    moved = source @ found[:3, :3].T + found[:3, 3]
    assert (weight * ((moved - target) ** 2).sum(axis=1)).sum() == pytest.approx(slow, rel=1e-6)


def test_a_reflection_is_never_the_answer_and_the_scale_is_bounded() -> None:
    source = np.random.default_rng(2).normal(0, 50, (1, 20, 3))
    mirrored = similarities(source, source * [-1, 1, 1], np.ones((1, 20)))[0]
    assert np.linalg.det(mirrored[:3, :3]) > 0
    for size, expected in ((3.0, 1 / 0.75), (0.1, 1 / 1.3)):
        found = similarities(source, source * size, np.ones((1, 20)))[0]
        assert scale_of(found) == pytest.approx(expected)


@pytest.mark.parametrize("wrong", [0.0, 0.3, 0.55])
def test_wrong_matches_do_not_move_the_pose(wrong: float) -> None:
    truth = pose(1.12, (170, -35, 80), (30, -200, 90))
    given = matches(truth, 700, 4.0, wrong)
    found = robust_similarity(given)
    gap = given.reference @ (found.matrix - truth)[:3, :3].T + (found.matrix - truth)[:3, 3]
    assert np.linalg.norm(gap, axis=1).max() < 2.5
    assert found.scale == pytest.approx(1.12, abs=0.02)
    assert found.inlier_fraction == pytest.approx(1 - wrong, abs=0.05)


def test_inliers_by_a_slow_loop() -> None:
    reference = np.array([[0, 0, 14.9], [0, 9, 0], [9, 9, 9], [0, 0, 40.0]])
    given = Matches(np.zeros((4, 3)), reference, np.array([1, 2, 3, 4.0]))
    total = sum(w for r, w in zip(given.reference, given.weight, strict=True) if np.sqrt((r**2).sum()) < INLIER_MM)
    assert agreement(np.eye(4), given) == pytest.approx(total / 10)
    assert residuals(np.eye(4), given)[2] == pytest.approx(9 * np.sqrt(3))


def test_the_weights_count() -> None:
    truth, other = pose(1.0, (10, 0, 0), (5, 0, 0)), pose(1.0, (0, 60, 0), (0, 90, 0))
    few, many = matches(truth, 100, 1.0, 0.0), matches(other, 200, 1.0, 0.0)
    heavy = Matches(few.scan, few.reference, few.weight * 10)
    assert np.allclose(robust_similarity(joined(heavy, many)).matrix, truth, atol=0.5)
    assert np.allclose(robust_similarity(joined(few, many)).matrix, other, atol=0.5)


def test_random_matches_agree_on_nothing() -> None:
    assert robust_similarity(matches(np.eye(4), 700, 4.0, 1.0)).inlier_fraction < 0.1


def test_the_same_matches_give_the_same_bits() -> None:
    given = matches(pose(0.9, (5, 6, 7), (1, 2, 3)), 300, 5.0, 0.4)
    assert robust_similarity(given).matrix.tobytes() == robust_similarity(given).matrix.tobytes()


def test_too_few_matches_are_named() -> None:
    with pytest.raises(ValueError, match="needs 12 predicted positions, got 11"):
        robust_similarity(matches(np.eye(4), 11, 0.0, 0.0))
