"""Hounsfield units of tissues: their order, their spread from scan to scan, texture and calcifications."""

from __future__ import annotations

import numpy as np
import pytest
from toy_head import toy_labels

from scripts.simulation.anatomy import labels as names
from scripts.simulation.person.look import Look
from scripts.simulation.person.tissue import mean_hu, tissue_table, to_hu

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
    hu = to_hu(LABELS, np.random.default_rng(3), Look())
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


def test_the_look_is_what_is_drawn_and_changes_nothing_else() -> None:
    plain, calcified, dense, enhanced = (
        to_hu(LABELS, np.random.default_rng(2), look)
        for look in (Look(), Look(calcified=("choroid",)), Look(bone_density=1.2), Look(contrast_hu=150.0))
    )
    ventricle, bone = np.isin(LABELS, (4, 43)), np.isin(LABELS, names.BONE)
    assert plain[ventricle].max() < 20 < 50 < calcified[ventricle].max()
    np.testing.assert_array_equal(
        calcified[~ventricle & (LABELS != 2) & (LABELS != 41)], plain[~ventricle & (LABELS != 2) & (LABELS != 41)]
    )
    np.testing.assert_array_equal(dense[~bone], plain[~bone])
    assert dense[bone].mean() / plain[bone].mean() == pytest.approx(1.2, abs=0.02)
    gained = enhanced - plain
    assert 0.5 < gained[LABELS == 2].mean() < gained[LABELS == 3].mean() < 12
    assert gained[LABELS == names.CSF].max() > 90


def test_falx_and_tentorium_are_as_bright_as_the_look_says() -> None:
    labels = LABELS.copy()
    labels[43:45, 30:60, 60:70] = names.FALX
    plain, bright = (to_hu(labels, np.random.default_rng(2), Look(dura_hu=hu)) for hu in (0.0, 15.0))
    np.testing.assert_allclose((bright - plain)[labels == names.FALX], 15, atol=1e-3)


def test_the_mean_has_no_texture() -> None:
    hu = mean_hu(LABELS)
    assert not any(np.ptp(hu[label == LABELS]) for label in np.unique(LABELS))
