from __future__ import annotations

import numpy as np
import pytest
from power_head import power_head

from scripts.simulation.anatomy.labels import BONE, CSF, SOFT_TISSUE
from scripts.sites.power.tissue import tissue_of


def test_ventricles_brain_and_skull_are_told_by_side() -> None:
    hu, head, regions, atlas = power_head()
    tissue = tissue_of(hu, head, regions, atlas)
    labels = np.zeros(hu.shape, np.int16)
    labels[tissue.box] = tissue.labels
    assert tissue.brain_hu == pytest.approx(34, abs=1)
    assert labels[120, 32, 30] == 4
    assert labels[135, 32, 30] == 43
    assert labels[120, 42, 30] == 2
    assert labels[135, 42, 30] == 41
    assert labels[127 - 20, 32, 30] == 3  # cortex below the skull
    assert labels[127 - 23, 32, 30] in BONE
    assert labels[127 - 26, 32, 30] == SOFT_TISSUE
    assert labels[0, 0, 0] == 0


def test_fluid_away_from_the_ventricles_is_cerebrospinal_fluid() -> None:
    hu, head, regions, atlas = power_head()
    hu[112:117, 30:35, 40:45] = 5
    tissue = tissue_of(hu, head, regions, atlas)
    assert tissue.labels[114 - tissue.box[0].start, 32 - tissue.box[1].start, 42 - tissue.box[2].start] == CSF


def test_a_scan_without_one_hemisphere_is_told() -> None:
    hu, head, regions, atlas = power_head()
    with pytest.raises(ValueError, match="no right hemisphere"):
        tissue_of(hu, head, np.where(regions == 2, 0, regions).astype(np.uint8), atlas)
