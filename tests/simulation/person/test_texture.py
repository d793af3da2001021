"""Texture: its grain, its size, and the tissues it stays within."""

from __future__ import annotations

import numpy as np
from toy_head import toy_labels

from scripts.simulation.anatomy import labels as names
from scripts.simulation.person.texture import FAT_HU, LOWEST_BONE_HU, add_texture, smooth_noise

LABELS = toy_labels()


def test_smooth_noise_is_smooth_and_of_unit_size() -> None:
    noise = smooth_noise((40, 50, 45), np.random.default_rng(0))
    assert noise.shape == (40, 50, 45)
    assert 0.5 < noise.std() < 1.2
    assert np.abs(np.diff(noise, axis=0)).std() < 0.4 * noise.std()


def test_a_larger_step_gives_a_wider_grain() -> None:
    steepness = []
    for step in (4, 10):
        noise = smooth_noise((60, 60, 60), np.random.default_rng(1), step)
        steepness.append(np.abs(np.diff(noise, axis=1)).mean() / noise.std())
    assert steepness[1] < 0.6 * steepness[0]


def test_each_tissue_gets_its_own_texture_and_fluid_none() -> None:
    hu = np.full(LABELS.shape, 40.0, dtype=np.float32)
    bone = np.isin(LABELS, names.BONE)
    hu[bone] = 1000
    add_texture(hu, LABELS, 1.1, np.random.default_rng(4))
    np.testing.assert_array_equal(hu[LABELS == names.CSF], 40)
    np.testing.assert_array_equal(hu[LABELS == names.SKIN], 40)
    assert 0.3 < hu[LABELS == 2].std() < 3
    assert 1080 < hu[bone].mean() < 1120
    assert hu[bone].min() >= LOWEST_BONE_HU
    scalp = hu[LABELS == names.SOFT_TISSUE]
    assert FAT_HU - 1e-3 <= scalp.min() < -50
    assert scalp.max() <= 40
