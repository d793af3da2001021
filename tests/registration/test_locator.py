"""The geometry of the coarse network's matches, with a network that sees where it is, and poses found with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from geometries import rotation
from numpy.typing import NDArray

from scripts.geometry.coordinates import POSITION_SCALE_MM, grid_affine
from scripts.registration.locator import (
    CoarseHeadImage,
    axis_rotations,
    coarse_head_image,
    coarse_network,
    locate,
    match,
    turned_axes,
)
from scripts.registration.locator_input import PATCH_SIZE, STRIDE
from scripts.registration.robust_fit import residuals
from scripts.registration.score import HeadImage

Array = NDArray[np.float64]


class Seeing:
    """Stands for a trained network: the first three channels of a patch's middle voxel say what to answer, in mm."""

    def eval(self) -> Seeing:
        return self

    def dense(self, inputs: torch.Tensor, stride: int) -> torch.Tensor:
        middle = PATCH_SIZE // 2
        end = [size - middle for size in inputs.shape[2:]]
        seen = inputs[:, :3, middle : end[0] : stride, middle : end[1] : stride, middle : end[2] : stride]
        return (seen - float(grid_affine()[0, 3])) / POSITION_SCALE_MM


def coarse_image() -> CoarseHeadImage:
    """A coarse image whose first three channels hold the world coordinates of each voxel, in mm."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -50, -70, -60
    head = torch.zeros(30, 37, 41)
    head[5:25, 3:33, 6:40] = 1
    index = torch.stack(torch.meshgrid(*[torch.arange(float(n)) for n in head.shape], indexing="ij"))
    world = 4 * index + torch.tensor(affine[:3, 3]).float()[:, None, None, None]
    return CoarseHeadImage(torch.cat([world, torch.ones(1, *head.shape)]), head, affine)


def test_the_rotations_are_the_24_of_a_cube_the_identity_first() -> None:
    matrices = list(axis_rotations())
    assert len({tuple(matrix.ravel()) for matrix in matrices}) == 24
    assert np.array_equal(matrices[0], np.eye(3))
    for matrix in matrices:
        assert np.linalg.det(matrix) == pytest.approx(1)
        assert np.array_equal(np.abs(matrix).sum(axis=0), [1, 1, 1])


@pytest.mark.parametrize("number", range(24))
def test_matches_lie_where_the_network_saw_them_in_any_orientation(number: int) -> None:
    image, turn = coarse_image(), list(axis_rotations())[number]
    found = match(Seeing(), image, turn)  # type: ignore[arg-type]
    assert np.abs(found.scan - found.reference).max() < 1e-3
    assert len(found) == np.prod([-(-n // STRIDE) for n in (20, 30, 34)])
    values, _, to_index = turned_axes(image, turn)
    step = (values[:3, 1, 0, 0] - values[:3, 0, 0, 0]).numpy()
    assert np.allclose(turn @ step, [4, 0, 0]), "the new first axis is the one that the rotation brings onto it"
    index = np.array([3, 1, 2])
    old = (to_index @ [*index, 1])[:3].astype(int)
    assert torch.equal(values[(slice(None), *index)], image.values[(slice(None), *old)])


def test_no_head_gives_no_matches() -> None:
    image = coarse_image()
    empty = CoarseHeadImage(image.values, torch.zeros_like(image.head), image.affine)
    assert len(match(Seeing(), empty)) == 0  # type: ignore[arg-type]


def head_image() -> HeadImage:
    """A ball of 60 mm at 2 mm, lying in scan space about 20, -30, 140."""
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = np.array([20, -30, 140]) - 79.0
    index = np.indices((80, 80, 80))
    ball = ((index - 39.5) ** 2).sum(axis=0) < 30**2
    return HeadImage(np.where(ball, 40, -1024).astype(np.float32), np.ones_like(ball), ball, affine)


def test_the_pose_of_a_head_is_found_in_two_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.eye(4)
    truth[:3, :3] = 0.95 * rotation(12, -8, 20)
    truth[:3, 3] = 25, -38, 128
    calls = play(monkeypatch, truth, right=lambda turn: True)
    found = locate(None, head_image())  # type: ignore[arg-type]
    assert found is not None
    assert np.allclose(found.fit.matrix, truth, atol=0.3)
    assert (found.fit.inlier_fraction, found.turned) == (1.0, False)
    assert len(calls) == 2
    assert residuals(np.linalg.inv(truth), found.matches).max() < 1e-6


def test_another_orientation_is_tried_when_few_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = list(axis_rotations())[17]
    truth = np.eye(4)
    truth[:3, :3] = wanted.T @ rotation(12, -8, 20)
    truth[:3, 3] = 25, -38, 128
    calls = play(monkeypatch, truth, right=lambda turn: turn is None or np.array_equal(turn, wanted), first=False)
    found = locate(None, head_image())  # type: ignore[arg-type]
    assert found is not None
    assert np.allclose(found.fit.matrix, truth, atol=0.3)
    assert found.turned
    assert len(calls) == 1 + 24 + 1
    calls.clear()
    upright = locate(None, head_image(), turned=False)  # type: ignore[arg-type]
    assert upright is not None
    assert not upright.turned
    assert len(calls) < 5


def play(monkeypatch: pytest.MonkeyPatch, truth: Array, right: Any, first: bool = True) -> list[Any]:
    """Replace the network's matches by ones that are right, or random where `right` says so; the list of the calls."""
    from scripts.registration import locator

    calls: list[Any] = []

    def played(network: object, image: CoarseHeadImage, turn: Array | None = None) -> Any:
        found = match(Seeing(), image)  # type: ignore[arg-type]
        second = len(calls) > 0 and turn is None
        points = found.scan if not second else found.scan @ pose[:3, :3].T + pose[:3, 3]
        inverse = np.linalg.inv(truth)
        reference = points @ inverse[:3, :3].T + inverse[:3, 3]
        if not (right(turn) and (first or calls)):
            reference = np.random.default_rng(len(calls)).uniform(-90, 90, reference.shape)
        calls.append(turn)
        return locator.Matches(found.scan, reference, found.weight)

    pose = np.eye(4)
    further_pass = locator.further_pass

    def seen(network: Any, scan: HeadImage, at: Array) -> Any:
        pose[:] = at
        return further_pass(network, scan, at)

    monkeypatch.setattr(locator, "match", played)
    monkeypatch.setattr(locator, "further_pass", seen)
    return calls


def test_too_little_of_a_head_has_no_pose() -> None:
    scan = head_image()
    speck = np.zeros_like(scan.head)
    speck[38:43, 38:43, 38:43] = True
    assert locate(coarse_network(1), HeadImage(scan.hu, scan.known, speck, scan.affine)) is None


def test_the_head_of_the_coarse_image_is_the_known_head() -> None:
    scan = head_image()
    known = scan.known.copy()
    known[:, :, :40] = False
    image = coarse_head_image(HeadImage(scan.hu, known, scan.head, scan.affine))
    assert image.values.shape == (4, 40, 40, 40)
    assert float(image.head[:, :, :20].sum()) == 0
    assert float(image.head.sum()) * 8 == (scan.head & known).sum()
    assert np.array_equal(image.values[3].numpy() > 0, known[::2, ::2, ::2])


def test_the_same_scan_gives_the_same_bits_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.registration.locator.SURE", 0.0)
    monkeypatch.setattr("scripts.registration.locator.FURTHER_PASSES", 1)
    torch.manual_seed(0)
    network, scan = coarse_network(2), head_image()
    textured = scan.hu + np.indices(scan.hu.shape).sum(axis=0, dtype=np.float32) % 37
    scan = HeadImage(textured, scan.known, scan.head, scan.affine)
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 1):
            torch.set_num_threads(count)
            located = locate(network, scan)
            assert located is not None
            found.append((located.fit.matrix.tobytes(), located.fit.inlier_fraction))
    finally:
        torch.set_num_threads(threads)
    assert found[0] == found[1] == found[2]
