"""Reference grid, positions and the error map."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.geometry.coordinates import POSITION_SCALE_MM, REFERENCE_SIZE, error_map, grid_affine, positions


def test_mid_plane_lies_between_the_two_middle_voxels() -> None:
    affine = grid_affine()
    x = [(affine @ [i, 0, 0, 1])[0] for i in (127, 128)]
    assert x == [-0.5, 0.5]


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_strided_grid_keeps_every_stride_th_voxel(stride: int) -> None:
    index = np.array([3, 5, 7, 1])
    full = grid_affine() @ (index * [stride, stride, stride, 1])
    np.testing.assert_array_equal(grid_affine(stride) @ index, full)


def test_positions_by_a_slow_loop() -> None:
    found = positions((2, 3, 2), stride=4, origin=(15, 0, 100))
    for i in range(2):
        for j in range(3):
            for k in range(2):
                expected = torch.tensor([15 + 4 * i, 4 * j, 100 + 4 * k]) / 255
                torch.testing.assert_close(found[:, i, j, k], expected)


def test_positions_span_zero_to_one() -> None:
    line = positions((REFERENCE_SIZE, 1, 1))[0, :, 0, 0]
    assert (float(line[0]), float(line[-1])) == (0.0, 1.0)


def test_error_map_is_the_distance_to_the_true_position() -> None:
    predicted = positions((4, 4, 4), stride=2)[None].clone()
    assert error_map(predicted, stride=2).max() == 0
    predicted[0, :, 1, 2, 3] += torch.tensor([3.0, 4.0, 0.0]) / 255
    error = error_map(predicted, stride=2) * POSITION_SCALE_MM
    assert float(error[0, 0, 1, 2, 3]) == pytest.approx(5.0, abs=1e-4)
    assert int((error > 1e-4).sum()) == 1


def test_error_map_of_the_wrong_stride_is_not_zero() -> None:
    assert error_map(positions((4, 4, 4), stride=2)[None], stride=1).max() > 0


def test_error_map_wants_three_channels() -> None:
    with pytest.raises(ValueError, match=r"must be \(B, 3, D, H, W\), got \(1, 2, 4, 4, 4\)"):
        error_map(torch.zeros(1, 2, 4, 4, 4))
