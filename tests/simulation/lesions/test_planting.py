"""Every kind of lesion on either side: its place, its size, its brightness, and that a seed fixes it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from toy_head import CENTRE, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.anatomy.braincase import labelled
from scripts.simulation.anatomy.labels import INTRACRANIAL
from scripts.simulation.lesions.growth import Lesion
from scripts.simulation.lesions.planting import (
    BRIGHT,
    DARK_OR_ISODENSE,
    FRACTURES,
    KINDS,
    SPACE_SHARES,
    VOLUMES_ML,
    plant_lesion,
)

LABELS = toy_labels()
HU = toy_hu(LABELS)
ROOMY_ML = {kind: 8.0 if kind == "intraventricular" else 30.0 for kind in VOLUMES_ML}
"""A volume that the toy head holds; its ventricles hold 10 ml each."""


def plant(kind: str, side: str, seed: int = 0, **size: float) -> Lesion:
    """One lesion in the toy head."""
    return plant_lesion(HU, LABELS, SPACING_MM, kind, side, np.random.default_rng(seed), **size)


def unpushed(kind: str) -> dict[str, float]:
    """Arguments with which a lesion leaves the brain beside it in place."""
    return {"space_share": 0.0} if kind in SPACE_SHARES else {}


def test_the_groups_make_up_the_kinds() -> None:
    """No kind twice, and all of the ranges are in order."""
    assert len(set(KINDS)) == len(KINDS) == len(BRIGHT) + len(DARK_OR_ISODENSE) + len(FRACTURES) == 13
    assert all(0 < low < high for low, high in VOLUMES_ML.values())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_lesion_is_on_its_side_and_nowhere_else(kind: str, side: str) -> None:
    """The mask lies on the asked side, HU changes only at and next to it, and the input stays as it was."""
    before = HU.copy()
    hu, labels, mask, shift_mm = plant(kind, side, seed=3, **unpushed(kind))
    assert (hu.dtype, labels.dtype, mask.dtype) == (np.float32, np.int16, np.uint8)
    indices = np.argwhere(mask == 1)
    assert len(indices) > 20
    on_side = indices[:, 0] < CENTRE[0] if side == "left" else indices[:, 0] > CENTRE[0]
    assert on_side.mean() > (0.9 if kind == "subarachnoid" else 0.98)
    np.testing.assert_array_equal(HU, before)
    np.testing.assert_array_equal(labels, LABELS)
    assert shift_mm == 0
    changed = np.abs(hu - HU) > 0.5
    if kind == "intraventricular":  # the fluid above the level is stained
        changed &= ~np.isin(LABELS, (4, 43))
    assert not (changed & ~ndimage.binary_dilation(mask > 0, iterations=3)).any()
    assert (np.abs(hu - HU) > 0.5)[mask == 1].mean() > (0.8 if kind == "cyst" else 0.9)


@pytest.mark.parametrize("kind", [kind for kind in SPACE_SHARES if kind in KINDS])
def test_what_takes_space_pushes_the_brain_and_not_the_skull(kind: str) -> None:
    """The midline goes away from the lesion, or towards one that shrank; beyond the dura nothing changes."""
    hu, labels, mask, shift_mm = plant(kind, "right", seed=3, volume_ml=60.0)
    assert 0.1 < (-shift_mm if kind == "old_infarct" else shift_mm) <= 12
    outside = ~labelled(LABELS, INTRACRANIAL)
    np.testing.assert_array_equal(hu[outside], HU[outside])
    np.testing.assert_array_equal(labels[outside], LABELS[outside])
    if abs(shift_mm) > SPACING_MM / 2:  # less than half a voxel moves none
        assert (labels != LABELS).sum() > 500
    assert not (mask > 0)[outside].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_lesion(kind: str) -> None:
    """The same seed gives the same bytes; another seed another lesion."""
    first, again, other = (plant(kind, "left", seed) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first.mask != other.mask).any()


@pytest.mark.parametrize("kind", ["subdural", "epidural", "cyst", "isodense_subdural"])
def test_what_is_pushed_does_not_change_the_lesion(kind: str) -> None:
    """The same seed gives the same mask, however much space the lesion takes."""
    np.testing.assert_array_equal(plant(kind, "left", 5).mask, plant(kind, "left", 5, space_share=0.0).mask)


@pytest.mark.parametrize("kind", VOLUMES_ML)
def test_lesions_hold_the_volume_and_the_hu_that_were_asked(kind: str) -> None:
    """Volume of mask 1 to 5 %, mean HU inside to 3 HU, for two voxel sizes."""
    asked_hu = 66 if kind in BRIGHT else 18
    for spacing_mm, share in ((2.0, 1.0), (1.8, 0.6)):
        volume_ml = share * ROOMY_ML[kind]
        rng = np.random.default_rng(7)
        hu, _, mask, _ = plant_lesion(
            HU, LABELS, spacing_mm, kind, "right", rng, volume_ml=volume_ml, lesion_hu=asked_hu, **unpushed(kind)
        )
        assert (mask == 1).sum() * spacing_mm**3 / 1000 == pytest.approx(volume_ml, rel=0.05)
        thin = kind in ("subarachnoid", "oedema")
        inside = mask == 1 if thin else ndimage.binary_erosion(mask == 1)
        assert hu[inside].mean() == pytest.approx(asked_hu, abs=3)


@pytest.mark.parametrize("kind", BRIGHT)
def test_bleeds_draw_volume_and_hu_from_their_ranges(kind: str) -> None:
    """Left to chance, several seeds stay inside of the ranges and do not repeat one another."""
    volumes_ml = []
    for seed in range(4):
        hu, _, mask, _ = plant(kind, "left", seed)
        volumes_ml.append((mask == 1).sum() * SPACING_MM**3 / 1000)
        inside = hu[mask == 1]
        assert 40 < inside.mean() < 85
    low, high = VOLUMES_ML[kind]
    assert 0.95 * low <= min(volumes_ml) < max(volumes_ml) <= 1.05 * high
    assert np.ptp(volumes_ml) > 0.05 * (high - low)


@pytest.mark.parametrize("kind", DARK_OR_ISODENSE)
def test_dark_lesions_are_no_brighter_than_the_brain(kind: str) -> None:
    """The mean of several seeds lies between fluid and grey matter."""
    for seed in range(3):
        hu, _, mask, _ = plant(kind, "left", seed)
        low, high = (
            (28, 46) if kind == "isodense_subdural" else (1, 16) if kind in ("cyst", "old_infarct") else (12, 28)
        )
        assert low < np.median(hu[mask == 1]) < high


def test_wrong_requests_name_what_is_possible() -> None:
    """Kind, side, shapes, volumes."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no kind of lesion 'stroke'; the kinds are intraparenchymal, subdural"):
        plant("stroke", "left")
    with pytest.raises(
        ValueError, match=r"the side of a subdural is left, right \(the patient's\) or both, got 'middle'"
    ):
        plant("subdural", "middle")
    with pytest.raises(ValueError, match=r"share one shape .* \(88, 108, 92\) and \(87, 108, 92\)"):
        plant_lesion(HU, LABELS[1:], SPACING_MM, "subdural", "left", rng)
    with pytest.raises(ValueError, match="positive, got -3"):
        plant("subdural", "left", volume_ml=-3)
    with pytest.raises(ValueError, match=r"2000\.0 ml do not fit"):
        plant("intraparenchymal", "left", volume_ml=2000)
    for kind in FRACTURES:
        with pytest.raises(ValueError, match=f"a {kind} has no volume_ml: leave it out"):
            plant(kind, "left", volume_ml=5)
    with pytest.raises(ValueError, match="subarachnoid takes no space from the brain: leave space_share out"):
        plant("subarachnoid", "left", space_share=0.5)
    with pytest.raises(ValueError, match="no fluid on the left that an intraventricular haemorrhage could fill"):
        plant_lesion(HU, np.where(LABELS == 4, 2, LABELS), SPACING_MM, "intraventricular", "left", rng)
