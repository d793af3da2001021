"""Carving: what is taken from bone has the volume that it should have, wherever it lies on the grid."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from scripts.simulation.anatomy.labels import AIR, CANCELLOUS_BONE, CORTICAL_BONE, CSF
from scripts.simulation.anatomy.shell import AZIMUTHS, ELEVATIONS, Shell, direction
from scripts.simulation.person.carving import (
    PATH_MM,
    SKULL_MM,
    Cloud,
    ball,
    carve,
    great_circle,
    sheet,
    sideways,
    tables_at,
    through,
    wander,
)

pytestmark = pytest.mark.xdist_group("carving")

MIDDLE = np.array((99.6, 99.2, 30.3))
FLAT = np.ones((AZIMUTHS, ELEVATIONS))
SHELL = Shell(MIDDLE, 80 * FLAT, 87 * FLAT, 93 * FLAT)


@cache
def hemisphere() -> NDArray[np.int16]:
    """A dome of bone between 80 and 87 mm; it can't be written to."""
    offsets = np.indices((200, 200, 125)).transpose(1, 2, 3, 0) - MIDDLE
    radius = np.linalg.norm(offsets, axis=-1)
    labels = np.where(radius < 80, CSF, np.where(radius < 82, CORTICAL_BONE, CANCELLOUS_BONE)).astype(np.int16)
    labels[radius > 87] = AIR
    labels.flags.writeable = False
    return labels


PATH = great_circle(direction(80, 30), direction(80, 75))
EVERYWHERE = np.tile((0.0, 1.0), (len(PATH), 1))


def carved_mm3(cloud: Cloud) -> float:
    """Volume that a cloud takes from the dome, whose bone has 1000 HU."""
    hu = np.where(np.isin(hemisphere(), (CORTICAL_BONE, CANCELLOUS_BONE)), 1000, 0).astype(np.float32)
    before = hu.copy()
    carve(hu, hemisphere(), cloud, 0.0)
    assert (hu <= before).all()
    assert (hu >= 0).all()
    return float((before - hu).sum() / 1000)


@pytest.mark.parametrize("width", [0.2, 0.5, 0.8, 2.0])
def test_a_cut_takes_its_width_times_its_length_times_the_thickness(width: float) -> None:
    cloud = sheet(SHELL, PATH, np.zeros((len(PATH), 2)), np.full(len(PATH), width), EVERYWHERE)
    expected = np.deg2rad(45) * 83.5 * 7 * width
    assert cloud.volumes.sum() == pytest.approx(expected, rel=0.05)
    assert carved_mm3(cloud) == pytest.approx(expected, rel=0.12)


def test_a_groove_of_part_depth_leaves_the_outer_table() -> None:
    part = EVERYWHERE * (0, 0.3)
    cloud = sheet(SHELL, PATH, np.zeros((len(PATH), 2)), np.full(len(PATH), 1.0), part)
    hu = np.where(hemisphere() == AIR, 0, 1000).astype(np.float32)
    carve(hu, hemisphere(), cloud, 0.0)
    along = MIDDLE + np.arange(79.5, 88)[:, None] * PATH[len(PATH) // 2]
    seen = hu[tuple(np.rint(along).astype(int).T)]
    assert seen[1:3].min() < 700
    assert (seen[5:7] == 1000).all()


def test_a_closed_stretch_takes_nothing_and_a_cut_can_lie_aside() -> None:
    width = np.where(np.arange(len(PATH)) < len(PATH) // 2, 0.5, 0.0)
    cloud = sheet(SHELL, PATH, np.tile((0.0, 4.0), (len(PATH), 1)), width, EVERYWHERE)
    away = (cloud.points - MIDDLE) / np.linalg.norm(cloud.points - MIDDLE, axis=1, keepdims=True)
    assert np.rad2deg(np.arcsin(away[:, 2])).max() < 53.5
    radius = np.linalg.norm(cloud.points - MIDDLE, axis=1)
    plane = np.cross(direction(80, 0), (0, 0, 1.0))
    aside = np.abs((cloud.points - MIDDLE) @ plane)
    assert aside[radius < 80.5].max() < 0.8
    assert aside[radius > 86.5].min() > 3


def test_a_ball_has_its_volume_and_place() -> None:
    cloud = ball(SHELL, direction(30, 45), 3.5, (3.0, 2.0))
    assert cloud.volumes.sum() == pytest.approx(4 / 3 * np.pi * 3 * 3 * 2, rel=0.08)
    np.testing.assert_allclose(cloud.points.mean(axis=0), MIDDLE + 83.5 * direction(30, 45), atol=1e-9)


def test_only_bone_is_carved_and_points_outside_the_grid_are_left_out() -> None:
    hu = np.full(hemisphere().shape, 500.0, dtype=np.float32)
    points = np.array([MIDDLE, (-5.0, 3.0, 3.0), (198.9, 199.5, 124.9)])
    carve(hu, hemisphere(), Cloud(points, np.ones(3)), 0.0)
    assert (hu == 500).all()


def test_two_clouds_in_one_place_take_no_more_than_all_of_it() -> None:
    place = MIDDLE + 84 * direction(0, 60)
    assert carved_mm3(Cloud(np.repeat(np.rint(place)[None], 5, axis=0), np.ones(5))) == pytest.approx(1)


def test_paths_are_even_and_keep_to_the_sphere() -> None:
    path = through(np.array([direction(0, 10), direction(40, 50), direction(120, 20)]))
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1) * SKULL_MM
    assert np.median(steps) == pytest.approx(PATH_MM, rel=0.02)
    assert np.abs((sideways(path) * path).sum(axis=1)).max() < 1e-9


def test_tables_are_read_between_directions_and_across_the_seam() -> None:
    uneven = Shell(MIDDLE, 80 + np.cos(np.deg2rad(2 * np.arange(180)))[:, None] * FLAT, 90 * FLAT, 95 * FLAT)
    inner, outer = tables_at(uneven, np.array([direction(359, 20), direction(61, 33)]))
    np.testing.assert_allclose(inner, 80 + np.cos(np.deg2rad((359, 61))), atol=0.01)
    np.testing.assert_allclose(outer, 90)


def test_wandering_has_unit_size_and_its_length() -> None:
    slow, fast = (np.concatenate([wander(2000, mm, np.random.default_rng(s)) for s in range(5)]) for mm in (20.0, 5.0))
    assert slow.std() == pytest.approx(1, abs=0.2)
    assert fast.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(slow)).mean() < 0.4 * np.abs(np.diff(fast)).mean()
