"""The shapes of bleeds: a ragged ball with oedema, a crescent, a lens."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from toy_head import CENTRE, INNER_MM, SPACING_MM, toy_hu, toy_labels

from scripts.simulation.bleeds import smooth_noise
from scripts.simulation.braincase import Braincase, labelled
from scripts.simulation.labels import INTRACRANIAL
from scripts.simulation.lesions import plant_lesion

LABELS = toy_labels()
HU = toy_hu(LABELS)
SEEDS = (0, 1, 2)


def bleed(kind: str, seed: int, volume_ml: float = 40.0) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A bleed on the left of the toy head."""
    return plant_lesion(HU, LABELS, SPACING_MM, kind, "left", np.random.default_rng(seed), volume_ml=volume_ml)


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
        mask = bleed(kind, seed)[1] == 1
        assert ndimage.label(mask)[1] == 1
        assert labelled(LABELS, INTRACRANIAL)[mask].all()
        assert (mask & ndimage.binary_dilation(LABELS == 515)).sum() > 100
        shapes[kind] = thickness_and_length_mm(mask)
    assert 4 < shapes["subdural"][0] < 16 < shapes["epidural"][0] < 32
    assert 40 < shapes["epidural"][1] < 85 < shapes["subdural"][1] < 165


@pytest.mark.parametrize("seed", SEEDS)
def test_parenchymal_bleeds_are_compact_and_ragged_with_dark_oedema(seed: int) -> None:
    """In one hemisphere and one piece, between a ball and a spider, with a darker rim of its own mask value."""
    hu, mask = bleed("intraparenchymal", seed)
    blood, oedema = mask == 1, mask == 2
    assert ndimage.label(blood)[1] == 1
    surface = (blood & ~ndimage.binary_erosion(blood)).sum()
    ball_radius = (3 * blood.sum() / (4 * np.pi)) ** (1 / 3)
    assert 0.8 < surface / (4 * np.pi * ball_radius**2) < 1.6
    assert 0.05 < oedema.sum() / blood.sum() < 3
    assert np.isin(LABELS[oedema], (2, 3, 41, 42)).all()
    clear = oedema & ~ndimage.binary_dilation(blood, iterations=2) & (LABELS == 2)
    assert -15 < (hu - HU)[clear].mean() < -4


def test_brain_beside_the_blood_keeps_its_hu_where_the_skull_begins() -> None:
    """Blurring the blood's edge leaves the bone next to it as it was."""
    hu, mask = bleed("subdural", 0)
    bone = (LABELS == 515) & ndimage.binary_dilation(mask == 1)
    assert bone.sum() > 500
    np.testing.assert_array_equal(hu[bone], HU[bone])
    rim = (mask == 1) & ndimage.binary_dilation(LABELS == 515)
    assert hu[rim].mean() > 40


def test_smooth_noise_has_unit_deviation_and_its_scale() -> None:
    """Neighbours at a tenth of the scale agree, at three scales they do not; anisotropic voxels are taken in mm."""
    noise = smooth_noise((60, 40, 30), 10.0, np.array([1.0, 1.5, 2.0]), np.random.default_rng(0))
    assert noise.std() == pytest.approx(1)
    for axis, mm in enumerate((1.0, 1.5, 2.0)):
        near = np.take(noise, range(1, noise.shape[axis]), axis), np.take(noise, range(noise.shape[axis] - 1), axis)
        lag = round(30 / mm) - 1
        far = np.take(noise, range(lag, noise.shape[axis]), axis), np.take(noise, range(noise.shape[axis] - lag), axis)
        assert np.corrcoef(near[0].ravel(), near[1].ravel())[0, 1] > 0.9
        assert abs(np.corrcoef(far[0].ravel(), far[1].ravel())[0, 1]) < 0.5


def test_the_braincase_of_the_toy_head_is_whole() -> None:
    """The oracle above relies on it: the inner table lies where the ellipsoid says."""
    case = Braincase(LABELS, np.full(3, SPACING_MM))
    assert case.tables_mm(case.direction("left", 0, 0))[0] == pytest.approx(INNER_MM[0], abs=2.5)
