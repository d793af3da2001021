"""The space inside a skull, on a head of boxes whose insides are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.preprocessing.intracranial import Mask, above_floor, bone_sides, enclosed_space, inside_skull, space_target

SIZE, STEP_MM = 64, 2.0
FLOOR, ROOF = 20, 44
"""Layers of the first and beyond the last brain voxel."""


def box_head(front: int = 48, walls: float = 900) -> tuple[NDArray[np.float32], Mask, Mask]:
    """HU, bone and head: a box of brain up to row `front`, in bone 3 voxels thick with scalp around it, on a neck."""
    hu = np.full((SIZE, SIZE, SIZE), -1024, np.float32)
    hu[12:52, 12 : front + 7, :FLOOR] = 40
    hu[12:52, 12 : front + 7, FLOOR - 3 : ROOF + 7] = 40
    hu[16:48, 16 : front + 3, FLOOR - 3 : ROOF + 3] = walls
    hu[19:45, 19:front, FLOOR:ROOF] = 30
    return hu, hu > 300, hu > -300


def brain_box(front: int = 48) -> Mask:
    """The inside of such a head."""
    brain = np.zeros((SIZE, SIZE, SIZE), bool)
    brain[19:45, 19:front, FLOOR:ROOF] = True
    return brain


def found_in(hu: NDArray[np.float32], bone: Mask, head: Mask) -> Mask:
    """The space inside a head's skull, without bone, by a reference that is a head of the usual size."""
    return inside_skull(hu, bone, head, space_target(brain_box(), STEP_MM), STEP_MM) & ~bone


def fills(found: Mask, expected: Mask, least: float = 0.98) -> None:
    """See that what was found lies inside, and lacks no more than rounded edges."""
    assert not (found & ~expected).any()
    assert (found & expected).sum() > least * expected.sum()


@pytest.mark.parametrize("front", [44, 48, 56])
def test_a_larger_or_smaller_forehead_belongs_to_the_inside(front: int) -> None:
    hu, bone, head = box_head(front)
    fills(found_in(hu, bone, head), brain_box(front))


def test_scalp_beside_a_missing_piece_of_the_skull_stays_outside() -> None:
    hu, bone, head = box_head()
    gap = (slice(26, 38), slice(48, 51), slice(28, 40))
    hu[gap], bone[gap] = 40, False
    found = found_in(hu, bone, head)
    assert found[brain_box()].mean() > 0.98
    assert not found[:, 48 + 4 :].any(), "no farther than the reference's brain and its margin"


def test_fat_and_air_under_a_roof_too_thin_to_be_seen_stay_outside() -> None:
    for below in (-90.0, -1000.0):
        hu, bone, head = box_head()
        roof = (slice(22, 34), slice(36, 46), slice(FLOOR - 3, FLOOR))
        hu[roof], bone[roof] = below, False
        hu[22:34, 36:46, FLOOR - 8 : FLOOR - 3] = below
        found = found_in(hu, bone, head | (hu == below))
        fills(found, brain_box())


def test_air_in_the_brain_belongs_to_the_inside() -> None:
    hu, bone, head = box_head()
    hu[24:32, 40:48, 38:44] = -1000
    fills(found_in(hu, bone, head), brain_box())


def test_a_cut_head_has_an_inside_up_to_the_plane() -> None:
    hu, bone, head = box_head()
    bone[..., 36:], head[..., 36:], hu[..., 36:] = False, False, -1024
    expected = brain_box()
    expected[..., 36:] = False
    fills(found_in(hu, bone, head), expected, 0.97)


@pytest.mark.parametrize("front", [44, 48, 56])
def test_enclosed_space_reaches_the_inner_table(front: int) -> None:
    hu, bone, head = box_head(front)
    fills(enclosed_space(hu, bone, head, space_target(brain_box(), STEP_MM), STEP_MM) & ~bone, brain_box(front))


def test_enclosed_space_ends_where_the_skull_is_open_to_a_side() -> None:
    hu, bone, head = box_head()
    hu[19:45, 48:51, 30:40], bone[19:45, 48:51, 30:40] = 40, False
    found, brain = enclosed_space(hu, bone, head, space_target(brain_box(), STEP_MM), STEP_MM), brain_box()
    assert not (found & brain)[..., 30:40].any()
    assert found[..., :28][brain[..., :28]].mean() > 0.98


def test_without_bone_there_is_no_enclosed_space() -> None:
    hu, bone, head = box_head(walls=40)
    assert not enclosed_space(hu, bone, head, space_target(brain_box(), STEP_MM), STEP_MM).any()


def test_height_above_the_floor_by_a_loop() -> None:
    brain = np.zeros((5, 5, 8), bool)
    brain[1, 1, 2:6], brain[3, 3, 4:6] = True, True
    above = above_floor(brain, 2.0)
    for column, floor in (((1, 1), 2), ((0, 0), 2), ((3, 3), 4), ((4, 4), 4)):
        np.testing.assert_array_equal(above[column], 2.0 * (np.arange(8) - floor))


def test_sides_with_bone_by_a_loop() -> None:
    bone = np.random.default_rng(0).random((5, 6, 3)) < 0.1
    sides = bone_sides(bone)
    for i, j, k in np.ndindex(bone.shape):
        lines = bone[: i + 1, j, k], bone[i:, j, k], bone[i, : j + 1, k], bone[i, j:, k]
        assert sides[i, j, k] == sum(line.any() for line in lines)
