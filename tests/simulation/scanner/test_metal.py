"""Metal: where bits lie, their streaks against the formula, and what is clipped later."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.geometry.coordinates import grid_affine
from scripts.simulation.anatomy import labels as names
from scripts.simulation.scanner.metal import (
    ANGLES,
    FAR_MM,
    METAL_HU,
    NEAR_MM,
    STREAK_HU,
    add_metal,
    place_bits,
    starved,
    streaks,
)

LABELS = np.zeros((200, 230, 250), dtype=np.int16)
LABELS[95:106, 120:130, 120:130] = names.CSF
LABELS[99:102, 124:126, 124:126] = 85
LABELS[90:130, 185:200, 25:60] = names.CORTICAL_BONE
LABELS[5:195, 5:10, 150:220] = names.SKIN
UPRIGHT = grid_affine()
UPRIGHT[:3, 3] += (28, 10, 0)
AT = {"fillings": (names.CORTICAL_BONE,), "clip": (names.CSF, 85), "electrodes": (names.SKIN,)}


@pytest.mark.parametrize("kind", STREAK_HU)
def test_bits_lie_in_their_tissue(kind: str) -> None:
    bits = place_bits(kind, LABELS, UPRIGHT, np.random.default_rng(0))
    assert 2 <= len(bits) <= 10
    first = LABELS[tuple(bits[0, :3].astype(int))]
    assert first in AT[kind]
    assert (bits[:, 3] > 0.5).all()
    assert (bits[:, 3] < 4.1).all()
    empty = np.zeros((20, 20, 20), dtype=np.int16)
    assert place_bits(kind, empty, UPRIGHT, np.random.default_rng(0)).shape == (0, 4)


def test_streaks_follow_the_formula() -> None:
    profile = np.random.default_rng(0).standard_normal(ANGLES)
    found = streaks((30, 40), np.array((12.5, 17.25)), profile, 0.7)
    for i, j in ((0, 0), (12, 30), (29, 5), (20, 17)):
        x, y = (i - 12.5) * 0.7, (j - 17.25) * 0.7
        angle, r = np.arctan2(y, x) % np.pi / np.pi * ANGLES, np.hypot(x, y)
        low = int(angle)
        value = profile[low] * (1 - angle + low) + profile[(low + 1) % ANGLES] * (angle - low)
        assert found[i, j] == pytest.approx(value * (1 - r / FAR_MM) / (1 + r / NEAR_MM), abs=1e-3)


def test_rays_through_two_bits_are_starved() -> None:
    lowered = starved(np.zeros(ANGLES), np.array([[0.0, -7.0]]))
    assert lowered.argmin() == ANGLES // 2
    assert lowered.min() == pytest.approx(-1.6)
    assert lowered[0] == pytest.approx(0, abs=1e-6)


def test_metal_fills_its_slices_only_as_far_as_it_is_held() -> None:
    hu = np.zeros((60, 60, 4), dtype=np.float32)
    held = np.array([[0.0, 1.0, 0.5, 0.0]])
    add_metal(hu, np.array([[30.0, 30.0, 3.0]]), held, 0.5, 200.0, np.random.default_rng(0))
    assert not hu[:, :, [0, 3]].any()
    assert hu[30, 30, 1] == pytest.approx(METAL_HU)
    assert 0.4 * METAL_HU < hu[30, 30, 2] < 0.6 * METAL_HU
    ring = np.hypot(*(np.indices((60, 60)) - 30)) * 0.5
    around = hu[:, :, 1][(ring > 4) & (ring < 12)]
    assert around.max() > 30 > -30 > around.min()


def test_a_bit_beside_the_field_of_view_casts_streaks_only() -> None:
    hu = np.zeros((40, 40, 1), dtype=np.float32)
    add_metal(hu, np.array([[-20.0, 10.0, 2.0]]), np.ones((1, 1)), 1.0, 300.0, np.random.default_rng(0))
    assert 0 < np.abs(hu).max() < 1500
