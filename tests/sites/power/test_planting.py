from __future__ import annotations

import numpy as np
import pytest
from power_head import NOISE_HU, power_ground
from scipy import ndimage

from scripts.sites.power.plan import Wish
from scripts.sites.power.planting import planted, with_change

WISH = Wish(0, "intraparenchymal", "right", 1.5, (0, 1, 2))


@pytest.fixture(scope="module")
def ground():
    return power_ground()


@pytest.fixture(scope="module")
def lesion(ground):
    return planted(ground, WISH)


def test_a_lesion_has_the_volume_side_and_brightness_that_were_asked_for(ground, lesion) -> None:
    assert lesion.volume_ml == pytest.approx(1.5, rel=0.05)
    assert not lesion.mask[:127].any()
    assert 8 < lesion.contrast_hu < 50
    assert lesion.hu.dtype == np.float32
    assert lesion.hu.shape == ground.hu.shape


def test_the_grain_of_the_scan_goes_through_the_lesion(ground, lesion) -> None:
    deep = ndimage.binary_erosion(lesion.mask, iterations=2)
    fine = lesion.hu - ndimage.uniform_filter(lesion.hu, 3)
    before = ground.hu - ndimage.uniform_filter(ground.hu, 3)
    assert fine[deep].std() == pytest.approx(before[deep].std(), rel=0.15)
    assert np.corrcoef(fine[deep], before[deep])[0, 1] > 0.9
    assert before[deep].std() > 0.8 * NOISE_HU


def test_air_and_scalp_stay_as_they_were(ground, lesion) -> None:
    changed = lesion.hu != ground.hu
    assert changed.any()
    assert not changed[~ground.head].any()


def test_its_edge_is_as_soft_as_the_slices_of_the_scan(ground, lesion) -> None:
    change = np.abs(np.diff(lesion.hu - ground.hu, axis=2)).max()
    within = np.abs(np.diff(lesion.hu - ground.hu, axis=0)).max()
    assert change < within


def test_the_same_wish_gives_the_same_bytes_and_another_seed_another_lesion(ground, lesion) -> None:
    assert planted(ground, WISH).hu.tobytes() == lesion.hu.tobytes()
    other = planted(ground, Wish(0, "intraparenchymal", "right", 1.5, (0, 1, 3)))
    assert (other.mask != lesion.mask).any()


def test_an_infarct_is_darker_and_a_share_of_bone_stays_above_a_subdural_bleed(ground) -> None:
    assert planted(ground, Wish(0, "infarct", "left", 4.0, (1,))).contrast_hu < -3
    bleed = planted(ground, Wish(0, "subdural", "left", 2.0, (1,)))
    rim = (ground.hu > 200) & ground.head
    assert np.abs(bleed.hu - ground.hu)[rim].max() < 60


def test_what_does_not_fit_is_told(ground) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        planted(ground, Wish(0, "intraparenchymal", "left", 90.0, (1,)))


def test_no_change_is_no_change(ground) -> None:
    nothing = np.zeros(ground.calm.shape, np.float32)
    assert with_change(ground, nothing, nothing > 0).tobytes() == ground.hu.tobytes()
