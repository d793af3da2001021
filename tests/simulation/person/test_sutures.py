"""Sutures: which are seen how often, where they run, how wide they are, and what they do to bone."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.anatomy.shell import AZIMUTHS, ELEVATIONS, Shell, direction
from scripts.simulation.person import sutures
from scripts.simulation.person.sutures import (
    COURSES,
    PAIRED,
    Sutures,
    draw_sutures,
    landmarks,
    suture_clouds,
    suture_lines,
)

FLAT = np.ones((AZIMUTHS, ELEVATIONS))
BALL = Shell(np.zeros(3), 80 * FLAT, 87 * FLAT, 93 * FLAT)
DRAWN = [draw_sutures(np.random.default_rng(seed)) for seed in range(800)]
ALL = tuple(f"{n} {s}".strip() for n in COURSES for s in (("right", "left") if n in PAIRED else ("",)))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", COURSES)
def test_each_suture_is_as_frequent_as_it_should_be(name: str) -> None:
    seen = [{one for one in drawn.names if one.split(" ")[0] == name} for drawn in DRAWN]
    assert np.mean([len(one) > 0 for one in seen]) == pytest.approx(COURSES[name].share, abs=0.04)
    if name in PAIRED:
        alone = np.mean([len(one) == 1 for one in seen if one])
        assert alone == pytest.approx(sutures.ONE_SIDED_SHARE, abs=0.04)


def test_widths_and_wormian_bones_keep_their_bounds() -> None:
    widths = [one.width_mm for one in DRAWN]
    assert sutures.WIDTH_MM[0] <= min(widths) < max(widths) <= sutures.WIDTH_MM[1]
    assert np.mean([one.wormian > 0 for one in DRAWN]) == pytest.approx(sutures.WORMIAN_SHARE, abs=0.05)
    assert draw_sutures(rng(3)) == DRAWN[3]


def test_landmarks_vary_by_a_centimetre_and_the_sides_agree() -> None:
    found = [landmarks(rng(seed)) for seed in range(200)]
    bregma = np.array([one["bregma"] for one in found]) * 85
    off = bregma - 85 * direction(90, 66)
    assert 3 < np.linalg.norm(off, axis=1).mean() < 8
    assert np.linalg.norm(off, axis=1).max() < 14
    right, left = (np.array([one[f"pterion {side}"] for one in found]) for side in ("right", "left"))
    assert (right[:, 0] > 0.5).all()
    assert np.linalg.norm(right - left * (-1, 1, 1), axis=1).max() * 85 < 14


def test_sutures_lie_where_they_should() -> None:
    for name in ALL:
        (cloud,) = suture_clouds(BALL, Sutures((name,), 0.5, 0.0), rng())
        x, y, _ = cloud.points.mean(axis=0)
        assert 0.4 < cloud.volumes.sum() / 7 / 0.5 / 100 < 2.2, name
        if name in ("sagittal", "metopic"):
            assert abs(x) < 8
        else:
            assert np.sign(x) == (1 if name.endswith("right") else -1), name
        if "coronal" in name:
            assert y > 15
        if "lambdoid" in name:
            assert y < -30


def test_lines_are_those_of_the_clouds_at_the_outer_table_in_order() -> None:
    """Closed parts are in the lines, too: every open place lies on one."""
    own = Sutures(ALL, 0.3, 0.4, 2)
    lines, clouds = suture_lines(BALL, own, rng(5)), suture_clouds(BALL, own, rng(5))
    assert tuple(lines) == ALL
    for line, cloud in zip(lines.values(), clouds, strict=False):
        np.testing.assert_allclose(np.linalg.norm(line, axis=1), 87, atol=0.5)
        assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 3
        outer = cloud.points[np.linalg.norm(cloud.points, axis=1) > 86.7]
        assert np.linalg.norm(outer[:, None] - line, axis=-1).min(axis=1).max() < 1


def test_closing_begins_at_the_inner_table_and_takes_its_share() -> None:
    (open_,) = suture_clouds(BALL, Sutures(("sagittal",), 0.5, 0.0), rng())
    (half,) = suture_clouds(BALL, Sutures(("sagittal",), 0.5, 0.5), rng())
    assert 0.2 < half.volumes.sum() / open_.volumes.sum() < 0.55
    radius = np.linalg.norm(half.points, axis=1)
    inner, outer = half.volumes[radius < 82].sum(), half.volumes[radius > 85].sum()
    assert inner < 0.9 * outer


def test_teeth_reach_farther_at_the_outer_table() -> None:
    (cloud,) = suture_clouds(BALL, Sutures(("lambdoid right",), 0.3, 0.0), rng(4))
    first, last = (landmarks(rng(4))[name] for name in ("lambda", "asterion right"))
    across = np.cross(first, last)
    aside = cloud.points @ (across / np.linalg.norm(across))
    radius = np.linalg.norm(cloud.points, axis=1)
    spread = [np.abs(np.diff(aside[(radius > low) & (radius < low + 1)][::2])).mean() for low in (80, 86)]
    assert spread[1] > 1.5 * spread[0]


def test_wormian_bones_lie_near_lambda_and_each_is_one_more_cloud() -> None:
    clouds = suture_clouds(BALL, Sutures((), 0.5, 0.0, 3), rng())
    assert len(clouds) == 3
    for cloud in clouds:
        assert cloud.points[:, 1].max() < -10
    assert suture_clouds(BALL, Sutures(), rng()) == []
