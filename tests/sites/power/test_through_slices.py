from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from scripts.geometry.coordinates import grid_affine
from scripts.sites.power.through_slices import coarser, through_slices

BOX = (slice(100, 140), slice(100, 136), slice(90, 140))


def ball() -> np.ndarray:
    grid = np.stack(np.meshgrid(*[np.arange(n, dtype=float) for n in (40, 36, 50)], indexing="ij"), -1)
    return (30 * (np.linalg.norm(grid - (20, 18, 25), axis=-1) < 8)).astype(np.float32)


def native(increment_mm: float) -> np.ndarray:
    affine = np.diag([0.45, 0.45, increment_mm, 1.0])
    affine[:3, 3] = -60, -60, -60
    return affine


@pytest.mark.parametrize("increment_mm", [1.0, 5.0])
def test_a_change_keeps_its_sum_and_is_softer_across_thick_slices(increment_mm: float) -> None:
    change, matrix = ball(), np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("x", 8, degrees=True).as_matrix()
    found = through_slices(change, BOX, (268, 268, int(120 / increment_mm)), native(increment_mm), matrix)
    assert found.shape == change.shape
    assert found.sum() == pytest.approx(change.sum(), rel=0.03)
    along = np.abs(np.diff(found[20, 18])).max()
    within = np.abs(np.diff(found[:, 18, 25])).max()
    assert along < within * (0.5 if increment_mm == 5 else 1.3)


def test_nothing_stays_nothing() -> None:
    assert not through_slices(np.zeros((40, 36, 50), np.float32), BOX, (20, 20, 20), native(5), np.eye(4)).any()


def test_pixels_on_the_way_are_close_to_a_millimetre() -> None:
    shape, affine = coarser((512, 512, 30), native(5))
    assert shape == (256, 256, 30)
    assert np.linalg.norm(affine[:3, :3], axis=0).tolist() == pytest.approx([0.9, 0.9, 5])
    assert np.allclose(coarser((9, 9, 9), grid_affine())[1], grid_affine())
