"""Every kind of lesion on either side: its place, its size, its brightness, and that a seed fixes it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from toy_head import CENTRE, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.lesions import BLEEDS, FRACTURES, KINDS, plant_lesion

LABELS = toy_labels()
HU = toy_hu(LABELS)


def plant(
    kind: str, side: str, seed: int = 0, volume_ml: float | None = None, lesion_hu: float | None = None
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """One lesion in the toy head."""
    rng = np.random.default_rng(seed)
    return plant_lesion(HU, LABELS, SPACING_MM, kind, side, rng, volume_ml=volume_ml, lesion_hu=lesion_hu)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_lesion_is_on_its_side_and_nowhere_else(kind: str, side: str) -> None:
    """All mask voxels lie on the asked side, HU changes only at and next to the mask, and the input stays as it was."""
    before = HU.copy()
    hu, mask = plant(kind, side, seed=3)
    assert hu.dtype == np.float32
    assert mask.dtype == np.uint8
    indices = np.argwhere(mask == 1)
    assert len(indices) > 20
    on_side = indices[:, 0] < CENTRE[0] if side == "left" else indices[:, 0] > CENTRE[0]
    assert on_side.mean() > 0.98
    np.testing.assert_array_equal(HU, before)
    changed = np.abs(hu - HU) > 0.5
    assert not (changed & ~ndimage.binary_dilation(mask > 0, iterations=3)).any()
    assert changed[mask == 1].mean() > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_lesion(kind: str) -> None:
    """The same seed gives the same bytes; another seed another lesion."""
    first, again, other = (plant(kind, "left", seed) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first[1] != other[1]).any()


@pytest.mark.parametrize("kind", BLEEDS)
def test_bleeds_hold_the_volume_and_the_hu_that_were_asked(kind: str) -> None:
    """Volume of mask 1 to 5 %, mean HU inside to 3 HU, for two voxel sizes."""
    for spacing_mm, volume_ml in ((2.0, 30.0), (1.8, 22.0)):
        rng = np.random.default_rng(7)
        hu, mask = plant_lesion(HU, LABELS, spacing_mm, kind, "right", rng, volume_ml=volume_ml, lesion_hu=66)
        assert (mask == 1).sum() * spacing_mm**3 / 1000 == pytest.approx(volume_ml, rel=0.05)
        assert hu[ndimage.binary_erosion(mask == 1)].mean() == pytest.approx(66, abs=3)


@pytest.mark.parametrize("kind", BLEEDS)
def test_bleeds_draw_volume_and_hu_from_their_ranges(kind: str) -> None:
    """Left to chance, several seeds stay inside of the ranges and do not repeat one another."""
    volumes_ml = []
    for seed in range(4):
        hu, mask = plant(kind, "left", seed)
        volumes_ml.append((mask == 1).sum() * SPACING_MM**3 / 1000)
        inside = hu[ndimage.binary_erosion(mask == 1)]
        assert 40 < inside.mean() < 85
    low, high = BLEEDS[kind]
    assert 0.95 * low <= min(volumes_ml) < max(volumes_ml) <= 1.05 * high
    assert np.ptp(volumes_ml) > 0.1 * (high - low)


def test_wrong_requests_name_what_is_possible() -> None:
    """Kind, side, shapes, volumes."""
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="no kind of lesion 'stroke'; the kinds are intraparenchymal, subdural"):
        plant("stroke", "left")
    with pytest.raises(ValueError, match="left or right, the patient's, got 'middle'"):
        plant("subdural", "middle")
    with pytest.raises(ValueError, match=r"share one shape .* \(88, 108, 92\) and \(87, 108, 92\)"):
        plant_lesion(HU, LABELS[1:], SPACING_MM, "subdural", "left", rng)
    with pytest.raises(ValueError, match="positive, got -3"):
        plant("subdural", "left", volume_ml=-3)
    with pytest.raises(ValueError, match=r"2000\.0 ml do not fit"):
        plant("intraparenchymal", "left", volume_ml=2000)
    for kind in FRACTURES:
        with pytest.raises(ValueError, match=f"volume_ml is for bleeds, and {kind} is none"):
            plant(kind, "left", volume_ml=5)
