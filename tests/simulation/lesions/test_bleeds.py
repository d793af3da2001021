"""The shapes of bleeds: a ragged ball with oedema, a crescent, a lens."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from toy_head import CENTRE, INNER_MM, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.anatomy.braincase import Braincase, labelled
from scripts.simulation.anatomy.labels import INTRACRANIAL
from scripts.simulation.lesions.growth import Lesion
from scripts.simulation.lesions.planting import plant_lesion

LABELS = toy_labels()
HU = toy_hu(LABELS)
SEEDS = (0, 1, 2)


def bleed(kind: str, seed: int, volume_ml: float = 40.0, space_share: float = 0.0) -> Lesion:
    """A bleed on the left of the toy head; the brain beside it stays where it was if it takes no space."""
    size = {"volume_ml": volume_ml, "space_share": space_share}
    return plant_lesion(HU, LABELS, SPACING_MM, kind, "left", np.random.default_rng(seed), **size)


def thickness_and_length_mm(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Greatest depth below the inner table, and the largest extent along any axis."""
    offsets = (np.argwhere(mask) - CENTRE) * SPACING_MM
    scaled = np.linalg.norm(offsets / INNER_MM, axis=1)
    depth = (1 - scaled) / scaled * np.linalg.norm(offsets, axis=1)
    return float(depth.max()), float(np.ptp(offsets, axis=0).max())


@pytest.mark.parametrize("seed", SEEDS)
def test_extra_axial_bleeds_hug_the_skull_as_crescent_or_lens(seed: int) -> None:
    """One piece inside the skull, touching it; the subdural one is thin and long, the epidural one thick and short."""
    shapes = {}
    for kind in ("subdural", "epidural"):
        mask = bleed(kind, seed).mask == 1
        assert ndimage.label(mask)[1] == 1
        assert labelled(LABELS, INTRACRANIAL)[mask].all()
        assert (mask & ndimage.binary_dilation(LABELS == 515)).sum() > 100
        shapes[kind] = thickness_and_length_mm(mask)
    assert 4 < shapes["subdural"][0] < 16 < shapes["epidural"][0] < 32
    assert 40 < shapes["epidural"][1] < 85 < shapes["subdural"][1] < 165


@pytest.mark.parametrize("seed", SEEDS)
def test_parenchymal_bleeds_are_compact_and_ragged_with_dark_oedema(seed: int) -> None:
    """In one hemisphere and one piece, between a ball and a spider, with a darker rim of its own mask value."""
    hu, _, mask, _ = bleed("intraparenchymal", seed)
    blood, oedema = mask == 1, mask == 2
    assert ndimage.label(blood)[1] == 1
    surface = (blood & ~ndimage.binary_erosion(blood)).sum()
    ball_radius = (3 * blood.sum() / (4 * np.pi)) ** (1 / 3)
    assert 0.8 < surface / (4 * np.pi * ball_radius**2) < 1.6
    assert 0.05 < oedema.sum() / blood.sum() < 3
    assert np.isin(LABELS[oedema], (2, 3, 41, 42)).all()
    clear = oedema & ~ndimage.binary_dilation(blood, iterations=2) & (LABELS == 2)
    assert -15 < (hu - HU)[clear].mean() < -4


def test_a_cyst_is_fluid_below_the_inner_table() -> None:
    """One piece of even fluid that touches the skull."""
    hu, _, mask, _ = bleed("cyst", 1)
    cyst = mask == 1
    assert ndimage.label(cyst)[1] == 1
    assert (cyst & ndimage.binary_dilation(LABELS == 515)).sum() > 50
    inside = hu[ndimage.binary_erosion(cyst, iterations=2)]
    assert 2 < inside.mean() < 12
    assert inside.std() < 1.5


def test_oedema_lies_in_the_brain_as_it_was_pushed() -> None:
    """Where the brain moved, mask 2 still covers brain only."""
    planted = bleed("intraparenchymal", 2, space_share=1.0)
    assert planted.midline_mm > 1
    assert np.isin(planted.labels[planted.mask == 2], (2, 3)).all()
    assert not np.isin(LABELS[planted.mask == 2], (2, 3)).all()


def test_brain_beside_the_blood_keeps_its_hu_where_the_skull_begins() -> None:
    """Blurring the blood's edge leaves the bone next to it as it was."""
    hu, _, mask, _ = bleed("subdural", 0)
    bone = (LABELS == 515) & ndimage.binary_dilation(mask == 1)
    assert bone.sum() > 500
    np.testing.assert_array_equal(hu[bone], HU[bone])
    rim = (mask == 1) & ndimage.binary_dilation(LABELS == 515)
    assert hu[rim].mean() > 40


def test_the_braincase_of_the_toy_head_is_whole() -> None:
    """The oracle above relies on it: the inner table lies where the ellipsoid says."""
    case = Braincase(LABELS, np.full(3, SPACING_MM))
    assert case.tables_mm(case.direction("left", 0, 0))[0] == pytest.approx(INNER_MM[0], abs=2.5)
