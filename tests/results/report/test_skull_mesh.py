"""The surface of the skull: at its place, coloured where its heat is, in a file that NiiVue reads."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace
from typing import Any

import numpy as np
from report_result import DENT_MM, SKULL_THRESHOLD, volumes

from scripts.results.report.skull_mesh import BONE, colours, filled, skull_mesh


def opened(content: bytes) -> tuple[Any, Any, Any]:
    """Points, triangles and colours of an MZ3 file."""
    data = gzip.decompress(content)
    magic, parts, faces, count, skipped = struct.unpack_from("<HHIII", data)
    assert (magic, parts, skipped) == (23117, 7, 0)
    triangles = np.frombuffer(data, "<u4", 3 * faces, 16).reshape(-1, 3)
    points = np.frombuffer(data, "<f4", 3 * count, 16 + 12 * faces).reshape(-1, 3)
    rgba = np.frombuffer(data, np.uint8, 4 * count, 16 + 12 * (faces + count)).reshape(-1, 4)
    assert len(data) == 16 + 12 * (faces + count) + 4 * count
    return points, triangles, rgba


def test_the_surface_encloses_the_bone_and_is_coloured_where_its_heat_is() -> None:
    points, triangles, rgba = opened(skull_mesh(volumes(), SKULL_THRESHOLD))
    bone = np.argwhere(volumes().scan > 200) @ volumes().affine[:3, :3].T + volumes().affine[:3, 3]
    assert np.abs(points.min(axis=0) - bone.min(axis=0)).max() < 6
    assert np.abs(points.max(axis=0) - bone.max(axis=0)).max() < 6
    assert triangles.max() == len(points) - 1
    lit = np.abs(rgba[:, :3] - BONE).max(axis=1) > 40
    assert 10 < lit.sum() < 0.1 * len(lit)
    assert np.linalg.norm(points[lit] - np.array(DENT_MM), axis=1).max() < 30


def test_without_a_threshold_it_has_the_colour_of_bone() -> None:
    _, _, rgba = opened(skull_mesh(volumes(), None))
    assert (rgba == [*BONE, 255]).all()


def test_without_bone_there_is_no_surface() -> None:
    soft = replace(volumes(), scan=np.minimum(volumes().scan, 100))
    assert skull_mesh(soft, SKULL_THRESHOLD) == b""


def test_the_same_volumes_give_the_same_bytes() -> None:
    assert skull_mesh(volumes(), SKULL_THRESHOLD) == skull_mesh(volumes(), SKULL_THRESHOLD)


def test_what_bone_encloses_is_filled_and_other_pieces_are_left_out() -> None:
    bone = np.zeros((9, 9, 9), dtype=bool)
    bone[1:7, 1:7, 1:7] = True
    bone[2:6, 2:6, 2:6] = False
    bone[8, 8, 8] = True
    full = np.zeros_like(bone)
    full[1:7, 1:7, 1:7] = True
    np.testing.assert_array_equal(filled(bone), full)
    assert not filled(np.zeros((3, 3, 3), dtype=bool)).any()


def test_colours_begin_below_the_threshold_and_end_at_twice_it() -> None:
    low, same, twice, more = colours(np.array([0.0, 0.6, 2.0, 9.0]))[:, :3].astype(int)
    assert (low == BONE).all()
    assert (same == BONE).all()
    assert (twice == [255, 250, 150]).all()
    assert (more == twice).all()
