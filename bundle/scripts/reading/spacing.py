"""Spacing of slices: how the gaps vary, whether slices are missing, and a uniform grid for uneven ones.

A *gap* is the difference between the heights of two neighbouring slices. A *two-spacing protocol* images the base of
the skull in finer slices than the rest: one block of equal gaps, then another. A slice that was lost makes one gap
larger instead, here or there. So two blocks of at least `BLOCK_GAPS` gaps each, and no more, are a protocol.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..findings import refusal

UNIFORM_MM = 0.1
"""How far a slice may be from its place on a uniform grid without being interpolated (rounding, again)."""

MISSING_FACTOR = 1.5
"""A gap larger than this times the usual one means a missing slice."""

BLOCK_GAPS = 3
"""Equal gaps in a row that make a block of a two-spacing protocol: a slice lost here or there makes one or two."""

FINEST_MM = 0.5
"""No resampled grid is finer than this."""


def spacing_kind(gaps_mm: NDArray[np.float64]) -> str:
    """How the gaps (S - 1,) vary: "uniform", "two_spacings" (two blocks, one after the other) or "uneven".

    Raises:
        InputRefused: `missing_slices` for a gap over 1.5 times the usual one that is not a two-spacing protocol.
    """
    usual = float(np.median(gaps_mm))
    ideal = np.arange(len(gaps_mm) + 1) * gaps_mm.mean()
    off_grid = np.abs(np.concatenate([[0.0], np.cumsum(gaps_mm)]) - ideal).max()
    if off_grid <= min(UNIFORM_MM, 0.2 * usual):
        return "uniform"
    if _is_two_blocks(gaps_mm):
        return "two_spacings"
    worst = int(gaps_mm.argmax())
    if gaps_mm[worst] > MISSING_FACTOR * usual:
        raise refusal(
            "missing_slices",
            f"Slices are missing: the gap after slice {worst + 1} of {len(gaps_mm) + 1} is {gaps_mm[worst]:.2f} mm, "
            f"the usual one is {usual:.2f} mm.",
        )
    return "uneven"


def _is_two_blocks(gaps_mm: NDArray[np.float64]) -> bool:
    """Whether the gaps are a block of equal ones, at most one gap between, then a block of others, again equal."""
    for end in range(BLOCK_GAPS, len(gaps_mm) - BLOCK_GAPS + 1):
        for start in (end, end + 1):
            first, second, between = gaps_mm[:end], gaps_mm[start:], gaps_mm[end:start]
            if len(second) < BLOCK_GAPS or not (_equal(first) and _equal(second)):
                continue
            sizes = float(np.median(first)), float(np.median(second))
            differ = abs(sizes[0] - sizes[1]) > 0.1 * max(sizes)
            if differ and (not len(between) or between[0] <= MISSING_FACTOR * max(sizes)):
                return True
    return False


def _equal(gaps_mm: NDArray[np.float64]) -> bool:
    """Whether gaps are equal but for rounding."""
    tolerance = 2 * UNIFORM_MM if gaps_mm.mean() > 1.0 else UNIFORM_MM
    return bool(np.ptp(gaps_mm) <= tolerance)


def common_spacing(heights_mm: NDArray[np.float64]) -> tuple[float, int]:
    """Spacing of a uniform grid from the first height on which every slice (nearly) has a node, and its node count.

    The coarsest spacing wins that is at most the smaller usual gap and leaves every slice within `UNIFORM_MM` of a
    node; failing that, the one that leaves the least. So slices keep their values where they lie.
    """
    offsets = heights_mm - heights_mm[0]
    gaps = np.diff(offsets)
    largest = max(FINEST_MM, float(np.percentile(gaps, 25)))
    candidates = np.arange(largest, FINEST_MM - 1e-9, -0.001)
    nodes = offsets[None, :] / candidates[:, None]
    off_node = (np.abs(nodes - np.round(nodes)) * candidates[:, None]).max(axis=1)
    fits = np.flatnonzero(off_node <= UNIFORM_MM)
    best = int(fits[0]) if len(fits) else int(off_node.argmin())
    window = slice(max(0, best), best + 30)
    best = window.start + int(off_node[window].argmin())
    spacing = float(candidates[best])
    return spacing, int(np.ceil(offsets[-1] / spacing - UNIFORM_MM / spacing)) + 1
