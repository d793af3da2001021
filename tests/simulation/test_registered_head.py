"""Training heads: the grid, the alignment, what is unknown, and that a seed fixes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from block_heads import PLAIN, block_head, marker_mm
from scipy.spatial.transform import Rotation
from toy_anatomy import toy_anatomy

from scripts.geometry.coordinates import grid_affine
from scripts.simulation.anatomy.common_space import MEAN_CENTROIDS
from scripts.simulation.person.head import SimulatedHead, draw_head, stream
from scripts.simulation.registered_head import (
    ERROR_STREAM,
    alignment_error,
    draw_training_head,
    in_reference_space,
    lesion_in_reference_space,
    scanned_in_reference_space,
)
from scripts.simulation.scanner.scan import PADDING_HU, acquire


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    return draw_training_head(toy_anatomy(), 11)


@pytest.fixture(scope="module")
def head() -> SimulatedHead:
    return draw_head(toy_anatomy(), 5)


@pytest.fixture(scope="module")
def scanned(head: SimulatedHead) -> np.ndarray:
    return scanned_in_reference_space(head, 5)


def test_a_training_head_fills_the_reference_grid(drawn: np.ndarray) -> None:
    assert drawn.shape == (256, 256, 256)
    assert drawn.dtype == np.int16
    assert drawn.min() == PADDING_HU
    centre = np.rint(MEAN_CENTROIDS[10:12].mean(axis=0) + 127.5).astype(int)
    assert -50 < drawn[tuple(centre)] < 100
    assert (drawn[:, :, -3] <= -900).all()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(drawn: np.ndarray, scanned: np.ndarray) -> None:
    assert draw_training_head(toy_anatomy(), 11).tobytes() == drawn.tobytes()
    assert scanned.tobytes() != drawn.tobytes()


def test_below_the_lowest_slice_nothing_is_known(drawn: np.ndarray) -> None:
    column = drawn[128, 119]
    known = np.flatnonzero(column != PADDING_HU)
    assert 0 < known[0] < 110
    assert (column[known[0] : known[-1]] != PADDING_HU).all()


def test_a_lesion_lies_where_the_scan_shows_it(head: SimulatedHead, scanned: np.ndarray) -> None:
    assert not lesion_in_reference_space(head, 5).any()
    skull = np.isin(head.labels, (515, 516))
    mask = lesion_in_reference_space(replace(head, lesion=skull.astype(np.uint8)), 5)
    assert mask.shape == scanned.shape
    known = scanned != PADDING_HU
    assert (scanned[known & (mask == 1)] > 200).mean() > 0.7
    assert (scanned[known & (mask == 0)] > 200).mean() < 0.05


def test_bone_is_where_the_head_has_it(head: SimulatedHead, scanned: np.ndarray) -> None:
    start = np.rint((head.to_reference @ head.affine)[:3, 3] + 127.5).astype(int)
    skull = np.argwhere((head.labels == 515) | (head.labels == 516)) + start
    skull = skull[(skull >= 0).all(axis=1) & (skull < 256).all(axis=1)]
    values = scanned[tuple(skull.T)]
    assert (values[values != PADDING_HU] > 200).mean() > 0.7


def test_a_scan_with_its_true_pose_lies_exactly() -> None:
    head = block_head(turn_deg=20)
    volume = in_reference_space(acquire(head, PLAIN, 0), head.to_reference)
    np.testing.assert_allclose(
        marker_mm(volume, grid_affine()), marker_mm(head.hu, head.to_reference @ head.affine), atol=0.3
    )


def test_beside_the_slices_there_is_air_and_beyond_them_nothing_is_known() -> None:
    head = block_head()
    volume = in_reference_space(acquire(head, PLAIN, 0), head.to_reference)
    assert volume[2, 2, 127] == -1000
    assert volume[127, 127, 2] == PADDING_HU
    assert volume[2, 2, 250] == PADDING_HU


def test_the_residual_error_is_small_and_rigid() -> None:
    errors = [alignment_error(stream(seed, ERROR_STREAM)) for seed in range(200)]
    degrees = [np.rad2deg(Rotation.from_matrix(error[:3, :3]).magnitude()) for error in errors]
    shifts = [np.linalg.norm(error[:3, 3]) for error in errors]
    assert 1 < np.median(degrees) < 2.2
    assert 1.5 < np.median(shifts) < 3.2
