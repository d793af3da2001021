"""Darkened brain: a wedge that reaches the surface, flat when fresh, fluid when old; oedema in white matter only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from toy_head import SPACING_MM, toy_hu, toy_labels

from scripts.simulation.anatomy.braincase import Braincase
from scripts.simulation.lesions import dark
from scripts.simulation.lesions.growth import Amount

LABELS = toy_labels()
HU = toy_hu(LABELS)
CASE = Braincase(LABELS, np.full(3, SPACING_MM))
SEEDS = range(3)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_infarct_is_a_wedge_that_opens_to_the_surface(seed: int) -> None:
    """Nearly all in one piece, as large as asked for; cortex and white matter, and fluid beyond."""
    _, _, mask, _ = dark.infarct(HU, CASE, "right", np.random.default_rng(seed), Amount(60.0, 20.0, 0.0))
    wedge = mask == 1
    pieces = ndimage.label(wedge, np.ones((3, 3, 3)))[0]
    assert np.bincount(pieces[wedge]).max() > 0.9 * wedge.sum()
    assert wedge.sum() * SPACING_MM**3 / 1000 == pytest.approx(60, rel=0.01)
    assert np.isin(LABELS[wedge], (41, 42)).all()
    cortex = (LABELS == 42)[wedge].mean()
    assert 0.15 < cortex < 0.6
    assert (wedge & ndimage.binary_dilation(LABELS == 24)).sum() > 100


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fresh_infarct_loses_the_contrast_of_grey_and_white(seed: int) -> None:
    """9 HU between them become less than half; both are darker; the mean is as asked."""
    hu, _, mask, _ = dark.infarct(HU, CASE, "right", np.random.default_rng(seed), Amount(60.0, 20.0, 0.0))
    inside = ndimage.binary_erosion(mask == 1)
    grey, white = (hu[inside & (label == LABELS)].mean() for label in (42, 41))
    assert 0 < grey - white < 4.5
    assert grey < 30
    assert hu[inside].mean() == pytest.approx(20, abs=2)


def test_an_old_infarct_is_fluid_and_draws_the_brain_in() -> None:
    """Even HU inside; the midline moves towards it and its ventricle widens."""
    planted = dark.old_infarct(HU, CASE, "right", np.random.default_rng(0), Amount(80.0, 9.0, -0.35))
    inside = planted.hu[ndimage.binary_erosion(planted.mask == 1, iterations=2)]
    assert inside.mean() == pytest.approx(9, abs=2)
    assert planted.midline_mm < -0.2
    assert (planted.labels == 43).sum() > 1.05 * (LABELS == 43).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_oedema_spares_the_cortex(seed: int) -> None:
    """Only white matter changes, and nowhere does it get brighter."""
    hu, _, mask, _ = dark.oedema(HU, CASE, "left", np.random.default_rng(seed), Amount(40.0, 18.0, 0.0))
    assert (LABELS[mask == 1] == 2).all()
    assert (LABELS[hu != HU] == 2).all()
    assert (hu - HU).max() < 1
    assert 8 < (HU - hu)[ndimage.binary_erosion(mask == 1)].mean() < 13


def test_the_mask_moves_with_the_tissue() -> None:
    """What is darkened and then pushed is still what the mask says."""
    planted = dark.infarct(HU, CASE, "left", np.random.default_rng(4), Amount(100.0, 15.0, 0.3))
    assert planted.midline_mm > 0.3
    assert np.isin(planted.labels[planted.mask == 1], (2, 3)).mean() > 0.99
    assert np.median(planted.hu[planted.mask == 1]) < 20


def test_the_brain_that_darkens_is_known() -> None:
    """White matter for oedema, the whole hemisphere for infarcts."""
    assert dark.brain_hu(HU, CASE, "left", "oedema") == 29
    assert 29 < dark.brain_hu(HU, CASE, "left", "infarct") < 38
