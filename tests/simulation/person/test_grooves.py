"""Grooves: how many of everything there are, where, and that none but emissary veins goes through the bone."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.anatomy.shell import AZIMUTHS, ELEVATIONS, Shell, direction
from scripts.simulation.person import grooves
from scripts.simulation.person.grooves import Grooves, draw_grooves, pit_clouds, vessel_clouds, walk

FLAT = np.ones((AZIMUTHS, ELEVATIONS))
BALL = Shell(np.zeros(3), 80 * FLAT, 87 * FLAT, 93 * FLAT)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def radii(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points, axis=1)


def test_drawn_counts_keep_their_bounds_and_a_seed_fixes_them() -> None:
    drawn = [draw_grooves(rng(seed)) for seed in range(300)]
    assert {one.pits for one in drawn} == set(range(grooves.MOST_PITS + 1))
    assert {one.branches[0] for one in drawn} == set(range(grooves.MOST_BRANCHES + 1))
    seen = np.array([one.emissaries for one in drawn]) > 0
    assert seen.mean() == pytest.approx(grooves.EMISSARY_SHARE, abs=0.05)
    assert draw_grooves(rng(2)) == drawn[2]


@pytest.mark.parametrize("side", [1, -1])
def test_meningeal_grooves_start_at_the_pterion_of_their_side_and_leave_the_outer_table(side: int) -> None:
    branches = (2, 0) if side == 1 else (0, 2)
    clouds = vessel_clouds(BALL, Grooves(branches), rng())
    assert len(clouds) == 2
    for cloud in clouds:
        assert (np.sign(cloud.points[:, 0]) == side).mean() > 0.9
        assert 79 < radii(cloud.points).min() < radii(cloud.points).max() < 84
        start = cloud.points[np.abs(cloud.points[:, 2]) < 12]
        assert len(start)


def test_channels_and_lakes_run_between_the_tables() -> None:
    for made in (Grooves(channels=3), Grooves(lakes=3)):
        for cloud in vessel_clouds(BALL, made, rng()):
            assert 80.5 < radii(cloud.points).min() < radii(cloud.points).max() < 86.6


def test_pits_lie_beside_the_mid_plane_on_the_inner_table() -> None:
    clouds = pit_clouds(BALL, Grooves(pits=5), rng())
    assert len(clouds) == 5
    for cloud in clouds:
        assert np.abs(cloud.points[:, 0]).max() < 40
        assert radii(cloud.points).max() < 84
    assert pit_clouds(BALL, Grooves(), rng()) == vessel_clouds(BALL, Grooves(), rng()) == []


def test_emissary_veins_go_through() -> None:
    clouds = vessel_clouds(BALL, Grooves(emissaries=(0.8, 0.0, 0.0, 1.0)), rng())
    assert len(clouds) == 2
    for cloud, side in zip(clouds, (1, -1), strict=True):
        assert radii(cloud.points).min() < 80 < 87 < radii(cloud.points).max()
        assert (np.sign(cloud.points[:, 0]) == side).all()


def test_a_walk_starts_where_it_should_and_winds() -> None:
    path = walk(direction(40, 0), direction(75, 50), 60.0, rng())
    np.testing.assert_allclose(path[0], direction(40, 0))
    np.testing.assert_allclose(radii(path), 1)
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum() * 85
    assert 58 < length < 75
    straight = np.cross(direction(40, 0), direction(75, 50))
    assert np.abs(path @ straight / np.linalg.norm(straight)).max() * 85 > 1
