"""Wide fluid spaces: they grow into the brain, by as many voxels as asked, and into nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from toy_head import toy_labels

from scripts.simulation.anatomy import labels as names
from scripts.simulation.person.atrophy import CORTEX, LATERAL_VENTRICLES, widened, widened_sides

LABELS = toy_labels()


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_nothing_changes_where_nothing_is_asked_or_there_is_no_brain() -> None:
    assert widened(LABELS, 0, 0.0, rng()) is LABELS
    empty = np.zeros((5, 6, 7), dtype=np.int16)
    assert widened(empty, 2, 1.0, rng()) is empty


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_ventricles_grow_by_steps_within_the_cerebrum(steps: int) -> None:
    wide = widened(LABELS, steps, 0.0, rng())
    before, after = (np.isin(labels, LATERAL_VENTRICLES) for labels in (LABELS, wide))
    away = ndimage.distance_transform_edt(~before)
    assert (after >= before).all()
    assert away[after].max() <= steps * np.sqrt(2)
    cerebrum = np.isin(LABELS, (2, 41, 3, 42))
    assert after[(away <= steps / 2 + 0.5) & cerebrum].all()
    gained = after & ~before
    np.testing.assert_array_equal(wide[gained] == 4, np.isin(LABELS[gained], names.LEFT))
    np.testing.assert_array_equal(wide[~gained], LABELS[~gained])


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_sulci_take_their_share_of_the_cortex_next_to_fluid(share: float) -> None:
    wide = widened(LABELS, 0, share, rng())
    changed = wide != LABELS
    faces = ndimage.generate_binary_structure(3, 1)
    border = ndimage.binary_dilation(LABELS == names.CSF, faces) & np.isin(LABELS, CORTEX)
    assert (wide[changed] == names.CSF).all()
    assert border[changed].all()
    assert changed.sum() / border.sum() == pytest.approx(share, abs=0.05)


def test_a_seed_fixes_where_sulci_are_wide_and_the_map_stays_as_it_was() -> None:
    before = LABELS.copy()
    one, again, other = (widened(LABELS, 1, 0.5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(LABELS, before)


def test_one_ventricle_grows_and_the_other_stays() -> None:
    assert widened_sides(LABELS, (0, 0)) is LABELS
    wide = widened_sides(LABELS, (2, 0))
    np.testing.assert_array_equal(wide == 4, LABELS == 4)
    assert (wide == 43).sum() > 1.3 * (LABELS == 43).sum()
    assert (wide != LABELS).any()
    left = widened_sides(LABELS, (0, 2))
    np.testing.assert_array_equal(left[::-1] == 4, wide == 43)
