"""Blood in fluid: a level in the ventricle, a graded cast of the sulci."""

from __future__ import annotations

import numpy as np
import pytest
from toy_head import CENTRE, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.anatomy.braincase import Braincase
from scripts.simulation.lesions import filling
from scripts.simulation.lesions.growth import Amount, Lesion

LABELS = toy_labels()
HU = toy_hu(LABELS)
CASE = Braincase(LABELS, np.full(3, SPACING_MM))


def fill(kind: str, seed: int, volume_ml: float) -> Lesion:
    """A haemorrhage of 60 HU on the left."""
    shape = filling.subarachnoid if kind == "subarachnoid" else filling.intraventricular
    return shape(HU, CASE, "left", np.random.default_rng(seed), Amount(volume_ml, 60.0, 0.0))


@pytest.mark.parametrize("seed", range(3))
def test_the_ventricle_is_filled_from_behind_up_to_a_level(seed: int) -> None:
    """All blood lies behind all fluid that is left, but for the tilt and roughness of the level; no other side."""
    hu, _, mask, _ = fill("intraventricular", seed, 5.0)
    ventricle = LABELS == 4
    assert ventricle[mask == 1].all()
    behind, front = (np.argwhere(where)[:, 1] * SPACING_MM for where in (mask == 1, ventricle & (mask == 0)))
    half_tilt_mm = np.tan(np.deg2rad(filling.LEVEL_TILT_DEG)) * (16 + 20) / 2
    assert behind.max() - front.min() < 2 * half_tilt_mm + 4 * filling.LEVEL_ROUGHNESS_MM + SPACING_MM
    assert hu[mask == 1].min() > 45
    assert hu[ventricle & (mask == 0)].max() <= 5 + filling.STAINED_HU[1]
    np.testing.assert_array_equal(hu[LABELS == 43], HU[LABELS == 43])


@pytest.mark.parametrize("seed", range(4))
def test_subarachnoid_blood_takes_fluid_only_and_is_brightest_at_its_source(seed: int) -> None:
    """Nothing but fluid changes; the brightest tenth is more compact than the rest; the mid-plane is no sharp edge."""
    hu, _, mask, _ = fill("subarachnoid", seed, 25.0)
    assert (LABELS[hu != HU] == 24).all()
    blood = np.argwhere(mask == 1) * SPACING_MM
    bright = hu[mask == 1] > np.quantile(hu[mask == 1], 0.9)
    spread, all_spread = (np.linalg.norm(p - p.mean(axis=0), axis=1).mean() for p in (blood[bright], blood))
    assert spread < 0.85 * all_spread
    lateral_mm = (CENTRE[0] - np.argwhere(mask == 1)[:, 0]) * SPACING_MM
    assert lateral_mm.min() > -filling.ACROSS_MM - SPACING_MM
    if (lateral_mm < -2).any():
        assert hu[mask == 1][lateral_mm < -2].mean() < hu[mask == 1][lateral_mm > 4].mean()


def test_calcium_stays_as_bright_as_it_was() -> None:
    """A calcified plexus within the blood."""
    hu = HU.copy()
    spot = np.argwhere(LABELS == 4)[5]
    hu[tuple(spot)] = 250
    filled = filling.intraventricular(hu, CASE, "left", np.random.default_rng(0), Amount(9.0, 60.0, 0.0))
    assert filled.hu[tuple(spot)] == 250


def test_room_is_counted_on_one_side() -> None:
    """The left ventricle of the toy head, and its fluid of that side, a little beyond the mid-plane."""
    voxel_ml = SPACING_MM**3 / 1000
    assert filling.room_ml(CASE, "left", "intraventricular") == pytest.approx((LABELS == 4).sum() * voxel_ml)
    assert 0.4 < filling.room_ml(CASE, "right", "subarachnoid") / ((LABELS == 24).sum() * voxel_ml) < 0.6
