"""The coarse input: windows, averages, and what is unknown."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.registration.locator_input import coarse_affine, coarse_input


def test_by_a_slow_loop_with_odd_sizes() -> None:
    generator = torch.Generator().manual_seed(0)
    hu = torch.rand(5, 4, 3, generator=generator) * 3000 - 1200
    known = torch.rand(5, 4, 3, generator=generator) < 0.7
    found = coarse_input(hu, known)
    assert found.shape == (4, 3, 2, 2)
    limits = ((-20, 100), (0, 1500), (-1000, 1000))
    for i, j, k in np.ndindex(3, 2, 2):
        sums = np.zeros(4)
        for index in np.ndindex(2, 2, 2):
            voxel = tuple(2 * place + step for place, step in zip((i, j, k), index, strict=True))
            if all(n < size for n, size in zip(voxel, hu.shape, strict=True)) and known[voxel]:
                value = float(hu[voxel])
                sums += [*(min(max((value - low) / (high - low), 0), 1) for low, high in limits), 1]
        assert found[:, i, j, k].numpy() == pytest.approx(sums / 8, abs=1e-6)


def test_a_coarse_voxel_lies_between_its_eight() -> None:
    affine = np.array([[0, -2.0, 0, 7], [2, 0, 0, -3], [0, 0, 2, 11], [0, 0, 0, 1]])
    for index in ((0, 0, 0), (3, 1, 2)):
        eight = [affine @ [*(2 * np.array(index) + step), 1] for step in np.ndindex(2, 2, 2)]
        assert np.allclose(coarse_affine(affine) @ [*index, 1], np.mean(eight, axis=0))
