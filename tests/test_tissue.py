"""Hounsfield units of tissues: their order, their spread from scan to scan, texture and calcifications."""

from __future__ import annotations

import numpy as np
from toy_head import toy_labels

from scripts.simulation import labels as names
from scripts.simulation.tissue import mean_hu, smooth_noise, tissue_table, to_hu

LABELS = toy_labels()


def test_tissues_keep_their_order_in_every_scan() -> None:
    for seed in range(40):
        hu = tissue_table(np.random.default_rng(seed))
        assert hu[names.ORBITAL_FAT] < 0 < hu[names.CSF] < hu[2] < hu[3] < hu[names.CANCELLOUS_BONE]
        assert hu[names.CANCELLOUS_BONE] < hu[names.CORTICAL_BONE]
        assert hu[names.AIR] == hu[names.UNCOVERED] == -1000
        assert 40 < hu[names.SINUS] < 75


def test_both_sides_get_the_same_value() -> None:
    hu = tissue_table(np.random.default_rng(1))
    np.testing.assert_array_equal(hu[list(names.LEFT)], hu[list(names.RIGHT)])


def test_texture_stays_within_the_tissues_it_belongs_to() -> None:
    table = tissue_table(np.random.default_rng(3))
    hu = to_hu(LABELS, np.random.default_rng(3))
    np.testing.assert_array_equal(hu[LABELS == names.AIR], -1000)
    np.testing.assert_array_equal(hu[LABELS == names.SKIN], table[names.SKIN])
    white = hu[LABELS == 2]
    assert 0.3 < white.std() < 3
    assert abs(white.mean() - table[2]) < 1
    assert hu[LABELS == names.CORTICAL_BONE].std() > 40
    scalp = hu[LABELS == names.SOFT_TISSUE]
    assert scalp.min() >= -96
    assert scalp.max() <= table[names.SOFT_TISSUE] + 1e-3


def test_a_seed_fixes_the_values_and_scans_differ() -> None:
    one, again, other = (to_hu(LABELS, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, again)
    assert (one != other).mean() > 0.3


def test_some_scans_have_calcium_in_the_ventricles_and_some_do_not() -> None:
    brightest = [to_hu(LABELS, np.random.default_rng(seed))[np.isin(LABELS, (4, 43))].max() for seed in range(10)]
    assert min(brightest) < 20
    assert max(brightest) > 50


def test_smooth_noise_is_smooth_and_of_unit_size() -> None:
    noise = smooth_noise((40, 50, 45), np.random.default_rng(0))
    assert noise.shape == (40, 50, 45)
    assert 0.5 < noise.std() < 1.2
    assert np.abs(np.diff(noise, axis=0)).std() < 0.4 * noise.std()


def test_the_mean_has_no_texture() -> None:
    hu = mean_hu(LABELS)
    assert not any(np.ptp(hu[label == LABELS]) for label in np.unique(LABELS))
