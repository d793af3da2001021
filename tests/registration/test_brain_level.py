"""The level of a pose is what a slow oracle says, peaks at the right pose, and bears with a lesion and a cut."""

from __future__ import annotations

import numpy as np
import pytest
from analytic_head import analytic_head
from geometries import braincase, rigid
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from scripts.geometry.coordinates import CENTRE_MM
from scripts.registration.brain_level import (
    BLOCK,
    FEWEST_BLOCKS,
    FIRST_MM,
    SHAPE,
    STEP_DEG,
    STEP_MM,
    BrainImage,
    BrainTarget,
    block_correlations,
    brain_image,
    brain_level,
    brain_peak,
    brain_target,
    moves,
)
from scripts.registration.score import HeadImage, head_image

Array = NDArray[np.float64]
GRID = np.diag([2.0, 2.0, 2.0, 1.0])
GRID[:3, 3] = -110.0
BOX = (111, 121, 111)
POSE = rigid((12, -7, 20), (6, -9, 30)) @ np.diag([1.05, 1.05, 1.05, 1.0])


@pytest.fixture(scope="module")
def head() -> HeadImage:
    """The analytic head at 2 mm."""
    return head_image(analytic_head(BOX, GRID), np.ones(BOX, bool), GRID)


@pytest.fixture(scope="module")
def target(head: HeadImage) -> BrainTarget:
    """The analytic head as reference."""
    return brain_target(head, braincase(GRID, BOX))


@pytest.fixture(scope="module")
def scan() -> HeadImage:
    """The same head, larger and elsewhere, in slices of 4 mm, its lowest ones unknown, with noise."""
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = POSE[:3, 3] - [120, 126, 124]
    to_world = POSE @ np.diag([1 / 1.05] * 3 + [1.0])
    hu = analytic_head((121, 127, 63), np.diag([1 / 1.05] * 3 + [1.0]) @ affine, to_world=shrunk(to_world))
    hu += np.random.default_rng(0).normal(0, 4, hu.shape).astype(np.float32)
    known = np.ones(hu.shape, bool)
    known[:, :, :18] = False
    return head_image(hu, known, affine)


def shrunk(matrix: Array) -> Array:
    """The rigid pose of a head that is drawn on a grid shrunk to its own size."""
    small = matrix.copy()
    small[:3, 3] /= 1.05
    return small


def oracle(pose: Array, target: BrainTarget, scan: HeadImage) -> float:
    """The level, voxel by voxel and block by block."""
    image = brain_image(scan)
    index = np.moveaxis(np.indices(SHAPE), 0, -1) * 4.0 + FIRST_MM
    to_image = np.linalg.inv(image.affine) @ pose
    at = np.moveaxis(index @ to_image[:3, :3].T + to_image[:3, 3], -1, 0)
    window, known = (ndimage.map_coordinates(part, at, order=1, mode="grid-constant") for part in image.values.numpy())
    weight = np.where(known > 0.5, known, 0.0)
    distance = np.arange(-3, 4) * 4.0
    line = np.exp(-(distance**2) / (2 * 3.0**2))
    kernel = np.einsum("i,j,k->ijk", line, line, line) / line.sum() ** 3
    sums, weights = (ndimage.convolve(part, kernel, mode="constant") for part in (window * (weight > 0), weight))
    smooth = sums / np.maximum(weights, 1e-3)
    found = []
    for corner in np.ndindex(*(size // BLOCK for size in SHAPE)):
        block = tuple(slice(BLOCK * n, BLOCK * n + BLOCK) for n in corner)
        inside = (weight * target.inside)[block].ravel()
        if inside.sum() > 60:
            both = np.cov(smooth[block].ravel(), target.values[block].ravel(), aweights=inside, ddof=0)
            if max(both[0, 0], both[1, 1]) > 0.002:
                flat = min(both[0, 0], both[1, 1]) <= 1e-6
                found.append(0.0 if flat else both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]))
    return float(np.mean(sorted(found)[int(0.2 * len(found)) :])) if len(found) >= 8 else 0.0


@pytest.mark.parametrize("off", [np.eye(4), rigid((4, 9, -3), (5, 2, -6)), rigid((0, 0, 58), (1, 20, 2))])
def test_the_level_is_that_of_the_oracle(target: BrainTarget, scan: HeadImage, off: Array) -> None:
    expected = oracle(POSE @ off, target, scan)
    assert brain_level(POSE @ off, target, brain_image(scan)) == pytest.approx(expected, abs=2e-4)


def test_the_right_pose_is_a_peak_and_those_nearby_are_none(target: BrainTarget, scan: HeadImage) -> None:
    image = brain_image(scan)
    level = brain_level(POSE, target, image)
    assert level > 0.9
    assert brain_peak(POSE, level, target, image) > 0.02
    for n, move in enumerate(moves()):
        beside = brain_level(POSE @ move, target, image)
        assert beside < level
        if n % 5 == 0:  # turned and shifted; each looks at twelve poses
            assert brain_peak(POSE @ move, beside, target, image) < -0.02


def test_the_reference_at_its_own_place_has_level_one(target: BrainTarget, head: HeadImage) -> None:
    assert brain_level(np.eye(4), target, brain_image(head)) == pytest.approx(1, abs=1e-6)


def test_brains_are_compared_well_inside_the_skull(target: BrainTarget) -> None:
    at = np.argwhere(target.inside) * 4.0 + FIRST_MM
    index = np.moveaxis(np.indices(BOX), 0, -1).reshape(-1, 3)[~braincase(GRID, BOX).ravel()] * 2.0 - 110.0
    distance, _ = cKDTree(index).query(at[::97])
    assert distance.min() > 5.0
    assert 0.4 < len(at) * 64 / (braincase(GRID, BOX).sum() * 8) < 0.85


def test_a_lesion_costs_little_and_another_head_much(target: BrainTarget, head: HeadImage) -> None:
    distance = np.linalg.norm(np.moveaxis(np.indices(BOX), 0, -1) * 2.0 - 110.0 - [30, 0, 20], axis=-1)
    bleeding = HeadImage(np.where(distance < 25, np.float32(70), head.hu), head.known, head.head, head.affine)
    assert brain_level(np.eye(4), target, brain_image(bleeding)) > 0.85
    noise = np.random.default_rng(1).normal(30, 60, BOX).astype(np.float32)
    assert brain_level(np.eye(4), target, brain_image(HeadImage(noise, head.known, head.head, head.affine))) < 0.3


def test_what_is_out_of_view_has_level_zero(target: BrainTarget, head: HeadImage) -> None:
    away = np.eye(4)
    away[:3, 3] = 400.0
    assert brain_level(away, target, brain_image(head)) == 0.0
    few = np.zeros(BOX, bool)
    few[40:60, 40:60, 40:60] = True
    assert brain_level(np.eye(4), target, brain_image(HeadImage(head.hu, few, head.head, head.affine))) == 0.0


def test_blocks_without_structure_or_brain_do_not_count() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.random((2, 18, 6, 6)).astype(np.float32)
    weight = np.ones((18, 6, 6), np.float32)
    one[6:12], other[6:12] = 0.3, 0.4
    weight[12:] = 0.1
    (found,) = block_correlations(one, other, weight)
    assert found == pytest.approx(np.corrcoef(one[:6].ravel(), other[:6].ravel())[0, 1], abs=1e-5)
    other[6] = 0.9
    assert block_correlations(one, other, weight)[1] == 0.0, "one side is constant"
    assert len(block_correlations(one, other, weight)) < FEWEST_BLOCKS


def test_the_poses_nearby_turn_about_the_middle_of_the_brain() -> None:
    assert moves().shape == (12, 4, 4)
    for n, move in enumerate(moves()):
        shift = move @ [*CENTRE_MM, 1] - [*CENTRE_MM, 1]
        angle = np.rad2deg(np.arccos((np.trace(move[:3, :3]) - 1) / 2))
        assert (np.linalg.norm(shift), angle) == pytest.approx((0, STEP_DEG) if n < 6 else (STEP_MM, 0), abs=1e-6)
    assert len({move.round(6).tobytes() for move in moves()}) == 12


def test_a_brain_image_has_nothing_where_nothing_is_known(head: HeadImage) -> None:
    known = head.known.copy()
    known[:60] = False
    image: BrainImage = brain_image(HeadImage(head.hu, known, head.head, head.affine))
    assert image.values.shape[0] == 2
    assert float(image.values[:, :30].max()) == 0.0
    assert 0 < float(image.values[0].max()) <= 1.0
    np.testing.assert_allclose(np.diag(image.affine), [4, 4, 4, 1])
