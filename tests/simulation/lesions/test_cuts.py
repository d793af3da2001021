"""Cuts: shares of voxels, the width that is asked for, and the random numbers it uses up."""

from __future__ import annotations

import numpy as np
import pytest
from broken_head import BONE, HU, LABELS, THICK_MM, broken, lost_mm3, places_mm
from toy_head import SPACING_MM

from scripts.simulation.anatomy.braincase import Braincase
from scripts.simulation.lesions.cuts import WIDTH_MM, Gap, covered, tapered

CASE = Braincase(LABELS, np.full(3, SPACING_MM))


@pytest.mark.parametrize("width_mm", [0.5, 3.0])
def test_shares_of_a_row_of_voxels_add_up_to_the_width(width_mm: float) -> None:
    """Wherever the line lies between the voxels, as a sum over fine samples has it."""
    for shift_mm in (0.0, 0.3, 1.0):
        aside = np.arange(-5, 6) * SPACING_MM + shift_mm
        fine = aside[:, None] + np.linspace(-0.5, 0.5, 2001) * SPACING_MM
        slow = (np.abs(fine) < width_mm / 2).mean(axis=1)
        np.testing.assert_allclose(covered(CASE, aside, np.full(11, width_mm)), slow, atol=1e-3)


def test_a_cut_is_widest_in_the_middle_and_closed_from_its_end_on() -> None:
    np.testing.assert_allclose(tapered(np.array([-20.0, -10, 0, 6, 10, 20]), 10, 2.0), [0, 0, 2, 1.6, 0, 0])


@pytest.mark.parametrize("kind", ["linear_fracture", "crossing_fracture", "basal_fracture"])
def test_the_width_that_is_asked_for_is_cut_and_changes_nothing_else(kind: str) -> None:
    """Three millimetres take six times the bone of a half, along the same line; nothing but bone changes."""
    narrow, wide = (broken(kind, 3, width_mm=width_mm) for width_mm in WIDTH_MM)
    assert lost_mm3(wide) / lost_mm3(narrow) == pytest.approx(WIDTH_MM[1] / WIDTH_MM[0], rel=0.05)
    assert (wide.mask >= narrow.mask).all()
    for found in (narrow, wide):
        np.testing.assert_array_equal(found.hu[~BONE], HU[~BONE])
    length_mm = np.linalg.norm(np.ptp(places_mm(wide.mask), axis=0))
    assert 0.5 * 3.0 < lost_mm3(wide) / length_mm / THICK_MM < 1.5 * 3.0


def test_an_asked_width_uses_up_the_random_numbers_of_a_drawn_one() -> None:
    first, second = np.random.default_rng(1), np.random.default_rng(1)
    assert Gap(45.0, 1.25).width(first) == 1.25
    assert WIDTH_MM[0] <= Gap(45.0).width(second) <= WIDTH_MM[1]
    assert first.random() == second.random()
