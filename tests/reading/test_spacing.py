"""Spacing of slices: what is uniform, a protocol, uneven, or a sign of missing slices."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.findings import InputRefused
from scripts.reading.spacing import UNIFORM_MM, common_spacing, spacing_kind


def heights_of(gaps: list[float]) -> np.ndarray:
    """Heights of slices with these gaps."""
    return np.concatenate([[0.0], np.cumsum(gaps)])


@pytest.mark.parametrize(
    ("gaps", "kind"),
    [
        ([5.0] * 27, "uniform"),
        ([0.6, 0.7, 0.6, 0.6] * 50, "uniform"),  # 0.625 mm, written with one decimal
        ([2.5] * 16 + [5.0] * 16, "two_spacings"),
        ([5.0] * 20 + [2.5] * 5, "two_spacings"),
        ([4.0] * 13 + [1.08] + [7.0] * 13, "two_spacings"),  # a real GE head: one odd gap where the blocks meet
        ([2.5] * 16 + [3.75] + [5.0] * 16, "two_spacings"),
        ([4.0] * 10 + [5.0] * 10, "two_spacings"),
        ([5.0] * 10 + [6.0] + [5.0] * 10, "uneven"),
        ([4.0, 5.0] * 10, "uneven"),
        ([5.0] * 10 + [1.0] + [5.0] * 10, "uneven"),
    ],
)
def test_kinds(gaps: list[float], kind: str) -> None:
    assert spacing_kind(np.array(gaps)) == kind
    assert spacing_kind(np.array(gaps[::-1])) == kind


@pytest.mark.parametrize(
    "gaps",
    [
        [5.0] * 10 + [10.0] + [5.0] * 10,  # one slice lost
        [5.0] * 10 + [15.0] + [5.0] * 10,  # two lost
        [5.0] * 10 + [10.0, 10.0] + [5.0] * 10,  # two lost, one between
        [5.0] * 19 + [10.0, 10.0],  # the same near the end
        [5.0] * 8 + [10.0] * 4 + [5.0] * 8,  # every other slice lost in the middle: three blocks are no protocol
        [2.5] * 16 + [5.0] * 6 + [10.0] + [5.0] * 6,  # one lost inside a protocol's block
        [2.5] * 16 + [10.0] + [5.0] * 10,  # lost where the blocks meet
    ],
)
def test_missing_slices_are_refused(gaps: list[float]) -> None:
    for order in (gaps, gaps[::-1]):
        with pytest.raises(InputRefused, match=r"Slices are missing: the gap after slice \d+ of \d+ is \d+\.\d\d mm"):
            spacing_kind(np.array(order))


@pytest.mark.parametrize(
    "gaps",
    [
        [2.5] * 16 + [5.0] * 16,
        [2.5] * 16 + [3.75] + [5.0] * 16,
        [4.22] * 13 + [1.14] + [7.38] * 13,
        [3.0] * 20 + [7.0] * 12,
        [1.25] * 20 + [5.0] * 12,
    ],
)
def test_every_slice_of_a_protocol_gets_a_node(gaps: list[float]) -> None:
    heights = heights_of(gaps)
    spacing, count = common_spacing(heights)
    nodes = np.arange(count) * spacing
    nearest = np.abs(heights[:, None] - nodes[None, :]).min(axis=1)
    assert nearest.max() <= UNIFORM_MM
    assert spacing <= min(gaps[0], gaps[-1]) + 1e-9
    assert abs(nodes[-1] - heights[-1]) <= UNIFORM_MM


def test_the_coarsest_grid_that_fits_is_taken() -> None:
    assert common_spacing(heights_of([2.5] * 16 + [5.0] * 16)) == (2.5, 49)


def test_without_a_common_grid_the_finest_allowed_ones_are_tried() -> None:
    rng = np.random.default_rng(0)
    spacing, count = common_spacing(heights_of(list(rng.uniform(2.0, 2.9, 40))))
    assert 0.5 <= spacing <= 2.9
    assert count * spacing >= 2.0 * 40
