"""Slow variations of HU: their sizes, where they are, and that they are slow."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from toy_head import toy_hu, toy_labels

from scripts.simulation.person import drift
from scripts.simulation.person.drift import Drift, add_drift, draw_drift

LABELS = toy_labels()
HU = toy_hu(LABELS)


def change(what: Drift, seed: int = 0) -> NDArray[np.float32]:
    """What is added to the toy head."""
    hu = HU.copy()
    add_drift(hu, LABELS, what, np.random.default_rng(seed))
    return hu - HU


def test_slopes_part_the_halves_by_as_much_as_they_say() -> None:
    added = change(Drift(slopes_hu=(0.6, 0.0, 0.0)))
    x = np.arange(LABELS.shape[0]) - 43.5
    line = added[:, 54, 46]
    assert line[np.abs(x - 30) < 1].mean() - line[np.abs(x + 30) < 1].mean() == pytest.approx(0.6, abs=0.03)
    assert (added[HU < -200] == 0).all()


def test_a_bowl_is_higher_at_the_edge_than_in_the_middle() -> None:
    added = change(Drift(bowl_hu=2.0))
    assert added[8, 54, 46] - added[43, 54, 46] == pytest.approx(2 * (35.5 / 75) ** 2, abs=0.05)


def test_patches_stay_in_their_tissue_and_are_as_large_and_as_wide_as_asked() -> None:
    added = change(Drift(white_hu=1.5))
    white = np.isin(LABELS, drift.WHITE)
    assert (added[~white] == 0).all()
    assert 0.5 < added[white].std() < 2
    steps = np.abs(np.diff(added, axis=1))[white[:, 1:] & white[:, :-1]]
    assert steps.mean() < 0.15
    grey = change(Drift(grey_hu=1.5))
    assert (grey[white] == 0).all()
    assert grey.any()


def test_the_halo_darkens_white_matter_beside_the_ventricles_most() -> None:
    added = change(Drift(halo_hu=6.0))
    away = ndimage.distance_transform_edt(~np.isin(LABELS, (4, 43)))
    white = np.isin(LABELS, (2, 41))
    assert (added[~white] == 0).all()
    near, far = added[white & (away < 2.5)], added[white & (away > 18)]
    assert -6 <= near.mean() < -1.5
    assert np.abs(far).max() < 0.1


def test_drawn_variations_keep_their_bounds_and_nothing_is_added_by_default() -> None:
    drawn = [draw_drift(np.random.default_rng(seed)) for seed in range(300)]
    slopes = np.abs([one.slopes_hu for one in drawn]).max(axis=0)
    assert (slopes <= drift.SLOPE_HU).all()
    assert (slopes > 0.9 * np.array(drift.SLOPE_HU)).all()
    assert np.mean([one.halo_hu > 0 for one in drawn]) == pytest.approx(drift.HALO_SHARE, abs=0.08)
    assert not change(Drift()).any()
    assert draw_drift(np.random.default_rng(1)) == drawn[1]


def test_a_head_without_a_brain_stays_as_it_is() -> None:
    hu = np.zeros((8, 8, 8), dtype=np.float32)
    add_drift(hu, np.zeros(hu.shape, dtype=np.int16), Drift(white_hu=1.0, bowl_hu=1.0), np.random.default_rng(0))
    assert not hu.any()
