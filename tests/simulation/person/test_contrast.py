"""Contrast medium: which tissues it brightens; vessels in the fluid around the brain."""

from __future__ import annotations

import numpy as np
from toy_head import toy_labels

from scripts.simulation.anatomy import labels as names
from scripts.simulation.person.contrast import BLOOD, VESSEL_HU, add_vessels, enhance
from scripts.simulation.person.tissue import tissue_table

LABELS = toy_labels()


def test_blood_gets_its_value_and_the_brain_a_little() -> None:
    for seed in range(20):
        table = tissue_table(np.random.default_rng(seed))
        before = table.copy()
        enhance(table, 150.0, np.random.default_rng(seed))
        gained = table - before
        assert (np.abs(table[list(BLOOD)] - 150) <= 15 + 1e-3).all()
        assert 0 < gained[2] < gained[names.FALX]
        assert 2 < gained[3] < 11
        assert gained[3] == gained[42]
        assert gained[names.CSF] == gained[names.CORTICAL_BONE] == gained[4] == 0


def test_vessels_are_thin_and_only_in_the_fluid() -> None:
    hu = np.full(LABELS.shape, 9.0, dtype=np.float32)
    add_vessels(hu, LABELS, VESSEL_HU, np.random.default_rng(1))
    drawn = hu != 9
    assert (hu[drawn] == VESSEL_HU).all()
    assert (LABELS[drawn] == names.CSF).all()
    assert 0.005 < drawn.sum() / (LABELS == names.CSF).sum() < 0.08
