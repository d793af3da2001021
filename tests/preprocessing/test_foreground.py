"""The head without its table, on any grid."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.geometry.boxes import bounding_box
from scripts.preprocessing import foreground
from scripts.preprocessing.foreground import bone, fill, head_foreground, validity

Grid = tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]


def ball_and_table(spacing_mm: tuple[float, float, float], gap_mm: float = 2.0) -> Grid:
    """HU of a ball of 50 mm over a plate 4 mm thick, the ball's mask and the plate's."""
    shape = [int(140 / s) for s in spacing_mm]
    x, y, z = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(shape, spacing_mm, strict=True)], indexing="ij"
    )
    ball = x**2 + y**2 + z**2 <= 50.0**2
    table = (y < -50 - gap_mm) & (y > -54 - gap_mm)
    return np.where(ball | table, 40, -1000).astype(np.float32), ball, table


@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 2.0), (1.0, 1.0, 5.0), (5.0, 1.5, 1.0)])
def test_the_table_is_left_out_and_the_ball_kept(spacing_mm: tuple[float, float, float]) -> None:
    hu, ball, table = ball_and_table(spacing_mm)
    found = head_foreground(hu, spacing_mm)
    assert found[ball].mean() > 0.99
    assert found[table].mean() < 0.02


def test_without_the_erosion_a_touching_table_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    hu, _, table = ball_and_table((2.0, 2.0, 2.0), gap_mm=-1.0)
    assert head_foreground(hu, (2.0, 2.0, 2.0))[table].mean() < 0.1
    monkeypatch.setattr(foreground, "EROSION_MM", 0.0)
    assert head_foreground(hu, (2.0, 2.0, 2.0))[table].mean() > 0.9


def test_an_axis_order_changes_nothing() -> None:
    hu, _, _ = ball_and_table((1.0, 2.0, 4.0))
    found = head_foreground(hu, (1.0, 2.0, 4.0))
    moved = head_foreground(hu.transpose(2, 0, 1), (4.0, 1.0, 2.0))
    assert np.array_equal(moved, found.transpose(2, 0, 1))


def test_air_inside_belongs_to_the_head_and_unknown_voxels_do_not() -> None:
    hu, ball, _ = ball_and_table((2.0, 2.0, 2.0))
    hu[30:36, 30:36, 30:36] = -1000
    hu[40:42, 35, 35] = -2000
    found = head_foreground(hu, (2.0, 2.0, 2.0))
    assert found[30:36, 30:36, 30:36].all()
    assert not found[40:42, 35, 35].any()
    assert bool(ball[40, 35, 35])


def test_a_head_that_the_field_of_view_cuts_is_kept_up_to_the_border() -> None:
    hu, ball, _ = ball_and_table((2.0, 2.0, 2.0))
    found = head_foreground(hu[:, :, 35:], (2.0, 2.0, 2.0))
    assert np.array_equal(found[:, :, 0] & ball[:, :, 35], ball[:, :, 35])


def test_air_alone_is_no_head() -> None:
    assert not head_foreground(np.full((8, 8, 8), -1000, np.float32), (1, 1, 1)).any()
    thin = np.full((30, 30, 30), -1000, np.float32)
    thin[:, 15] = 100
    assert not head_foreground(thin, (1, 1, 1)).any()


def test_fill_keeps_what_reaches_the_border() -> None:
    ring = np.zeros((7, 7, 3), bool)
    ring[1:6, 1:6] = True
    ring[3, 3, 1] = False
    ring[2, 2, :] = False
    filled = fill(ring)
    assert filled[3, 3, 1]
    assert not filled[2, 2].any()


def test_bone_and_validity() -> None:
    hu = np.array([-3024, -1500, -1000, 300, 301, np.nan], np.float32)
    assert validity(hu).tolist() == [False, True, True, True, True, False]
    assert bone(hu, np.array([True, True, True, True, True, True])).tolist() == [False] * 4 + [True, False]
    assert not bone(hu, np.zeros(6, bool)).any()


def test_bounding_box() -> None:
    mask = np.zeros((5, 6, 7), bool)
    mask[1, 2, 3] = mask[3, 2, 6] = True
    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(3, 7))
    assert bounding_box(mask, (1, 9, 0)) == (slice(0, 5), slice(0, 6), slice(3, 7))
    assert mask[bounding_box(np.zeros((5, 6, 7), bool))].size == 0


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="three spacings over 0"):
        head_foreground(np.zeros((3, 3, 3), np.float32), (1, 0, 1))
    with pytest.raises(ValueError, match="need \\(I, J, K\\)"):
        head_foreground(np.zeros((3, 3), np.float32), (1, 1, 1))
