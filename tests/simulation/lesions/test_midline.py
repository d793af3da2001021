"""Lesions in the middle: on both sides of the mid-plane, in their structure, as large and bright as asked."""

from __future__ import annotations

import numpy as np
import pytest
from harder_head import HU, LABELS, LEFT, OFFSETS_MM, plant, volume_ml
from scipy import ndimage
from toy_head import SPACING_MM

from scripts.simulation.lesions.growth import Lesion
from scripts.simulation.lesions.planting import BRIGHT, IN_THE_MIDDLE, plant_lesion

ASKED_ML = {
    "callosal_bleed": 12.0,
    "butterfly_glioma": 20.0,
    "colloid_cyst": 6.0,
    "midline_cyst": 15.0,
    "pontine_bleed": 8.0,
}


@pytest.mark.parametrize("kind", IN_THE_MIDDLE)
def test_volume_and_hu_are_as_asked_on_both_sides_of_the_mid_plane(kind: str) -> None:
    for seed in range(3):
        found = plant(kind, "middle", seed, volume_ml=ASKED_ML[kind], lesion_hu=60.0)
        inside = found.mask == 1
        assert volume_ml(found.mask) == pytest.approx(ASKED_ML[kind], rel=0.1)
        assert found.hu[ndimage.binary_erosion(inside)].mean() == pytest.approx(60, abs=4)
        assert 0.1 < LEFT[inside].mean() < 0.9


def test_each_lies_in_its_structure() -> None:
    stem = plant("pontine_bleed", "middle", 1, volume_ml=5.0).mask == 1
    assert (LABELS[stem] == 16).mean() > 0.9
    colloid = plant("colloid_cyst", "middle", 1, volume_ml=2.0).mask == 1
    assert np.abs(OFFSETS_MM[colloid].mean(axis=0) - (0, 5, 5)).max() < 6
    glioma = plant("butterfly_glioma", "middle", 1).mask == 1
    assert np.isin(LABELS[glioma], (2, 41)).mean() > 0.8
    cysts = [
        OFFSETS_MM[plant("midline_cyst", "middle", seed, volume_ml=8.0).mask == 1].mean(axis=0) for seed in range(8)
    ]
    assert np.abs(np.array(cysts)[:, 0]).max() < 6
    assert np.ptp(np.array(cysts)[:, 1]) > 20, "they lie in several places"


@pytest.mark.parametrize("kind", IN_THE_MIDDLE)
def test_drawn_values_are_of_the_kind(kind: str) -> None:
    low, high = IN_THE_MIDDLE[kind]
    found = plant(kind, "middle", 4)
    assert 0.9 * low <= volume_ml(found.mask) <= 1.1 * high
    dark = kind in ("butterfly_glioma", "midline_cyst")
    assert (np.median(found.hu[found.mask == 1]) < 26) == dark
    assert kind not in BRIGHT


def test_the_middle_pushes_to_both_sides_alike() -> None:
    rng = np.random.default_rng(2)
    found: Lesion = plant_lesion(
        HU, LABELS, SPACING_MM, "callosal_bleed", "middle", rng, volume_ml=25.0, space_share=1.0
    )
    assert abs(found.midline_mm) < 2
    assert (found.labels != LABELS).sum() > 200


def test_a_map_without_the_structure_is_refused() -> None:
    without = np.where(np.isin(LABELS, (14, 16)), 2, LABELS)
    for kind, name in (("pontine_bleed", "brain stem"), ("colloid_cyst", "third ventricle")):
        with pytest.raises(ValueError, match=f"holds no {name}, where this lesion lies"):
            plant_lesion(HU, without, SPACING_MM, kind, "middle", np.random.default_rng(0))
    with pytest.raises(ValueError, match="a pontine_bleed lies in the middle: its side is middle, got 'left'"):
        plant("pontine_bleed", "left")
