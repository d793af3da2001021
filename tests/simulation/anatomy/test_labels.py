"""The tables of labels: names, pairs, look-up tables."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.simulation.anatomy import labels as table


def test_names_say_the_side() -> None:
    assert table.name(10) == "left thalamus"
    assert table.name(49) == "right thalamus"
    assert table.name(table.CORTICAL_BONE) == "cortical bone"
    with pytest.raises(KeyError, match="999"):
        table.name(999)


def test_swapping_twice_changes_nothing_and_keeps_single_labels() -> None:
    swap = table.swap_table()
    everything = np.array([*table.LEFT, *table.RIGHT, *table.SINGLES, table.AIR, table.UNCOVERED], dtype=np.int16)
    np.testing.assert_array_equal(swap[swap[everything]], everything)
    np.testing.assert_array_equal(swap[list(table.LEFT)], table.RIGHT)
    assert swap[table.UNCOVERED] == table.UNCOVERED
    assert all(swap[label] == label for label in table.SINGLES)


def test_member_tables_do_not_hold_what_is_not_covered() -> None:
    for members in (table.BRAIN, table.BONE, table.INTRACRANIAL):
        chosen = table.member_table(members)
        assert chosen.sum() == len(set(members))
        assert not chosen[np.array([table.UNCOVERED, table.AIR])].any()


def test_every_structure_of_the_common_space_has_its_partner() -> None:
    partner = {**{a: b for a, b, _ in table.PAIRS}, **{b: a for a, b, _ in table.PAIRS}}
    assert all(partner.get(label, label) in table.STRUCTURES for label in table.STRUCTURES)
    assert len(set(table.STRUCTURES)) == len(table.STRUCTURES) == 29
