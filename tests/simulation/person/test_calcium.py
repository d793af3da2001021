"""Calcium: where it is drawn, how bright, and that bone and everything else stay as they were."""

from __future__ import annotations

import numpy as np
import pytest
from toy_head import toy_labels

from scripts.simulation.anatomy import labels as names
from scripts.simulation.person.calcium import CALCIUM_HU, add_calcium, add_choroid
from scripts.simulation.person.look import CALCIUM_SHARES

LABELS = toy_labels()
LABELS[40:48, 48:60, 48:52] = 14
LABELS[30:34, 50:54, 40:44], LABELS[54:58, 50:54, 40:44] = 13, 52
LABELS[43:45, 20:90, 70:76] = names.FALX
LABELS[36:38, 60:64, 20:24] = 530
AT = {"choroid": (4, 43), "pineal": (14,), "basal ganglia": (13, 52), "falx": (names.FALX,), "carotid": (530,)}
REACH = 9


def drawn(places: tuple[str, ...], seed: int = 0) -> np.ndarray:
    hu = np.where(np.isin(LABELS, names.BONE), 900, 30).astype(np.float32)
    add_calcium(hu, LABELS, places, np.random.default_rng(seed))
    return hu


@pytest.mark.parametrize("place", CALCIUM_SHARES)
def test_calcium_is_bright_and_where_it_belongs(place: str) -> None:
    for seed in range(4):
        change = drawn((place,), seed) - drawn(())
        changed = np.argwhere(change != 0)
        assert change.min() == 0
        assert 20 < change.max() < 700
        structure = np.argwhere(np.isin(LABELS, AT[place]))
        gap = np.linalg.norm(changed[:, None] - structure[None, :: max(len(structure) // 300, 1)], axis=2).min(axis=1)
        assert gap.max() < REACH
        assert not np.isin(LABELS[tuple(changed.T)], names.BONE).any()


def test_places_do_not_disturb_each_other() -> None:
    alone, together = (drawn(places, 3) for places in (("falx",), tuple(CALCIUM_SHARES)))
    falx = LABELS == names.FALX
    assert (together[falx] >= alone[falx]).all()
    np.testing.assert_array_equal(drawn(("pineal",), 5), drawn(("pineal",), 5))


def test_both_choroid_plexuses_are_calcified_in_most_heads_and_differ() -> None:
    sizes = []
    for seed in range(30):
        hu = np.zeros(LABELS.shape, dtype=np.float32)
        add_choroid(hu, LABELS, CALCIUM_HU, np.random.default_rng(seed))
        sizes.append([int((hu[half] > 30).sum()) for half in (slice(0, 44), slice(44, 88))])
    both = [min(pair) > 0 for pair in sizes]
    assert 18 <= sum(both) <= 30
    assert sum(max(pair) > 1.3 * min(pair) for pair in sizes) > 15


def test_structures_that_the_map_lacks_are_left_out() -> None:
    labels = np.full((20, 20, 20), 2, dtype=np.int16)
    hu = np.zeros(labels.shape, dtype=np.float32)
    add_calcium(hu, labels, tuple(CALCIUM_SHARES), np.random.default_rng(0))
    assert not hu.any()
