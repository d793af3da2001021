"""Geometry of a stack of parallel slices: their order, tilt and coverage, and the uniform grid they are put on.

A *position* p_s (3,) is where the centre of slice s's first voxel lies (`ImagePositionPatient`, LPS mm); the
*orientation* (row cosines r, column cosines c) is shared by the slices, n = r x c is their *normal*. The *height* of a
slice is h_s = p_s . n. Slices of one scan lie on a line, p_s = p_0 + (h_s - h_0) d with d . n = 1: without tilt d is
n, under *gantry tilt* it leans by the angle of the gantry. Hence the affine of voxel (column, row, k), for a spacing s
between slices (DICOM PS3.3 C.7.6.2.1.1):

    x = p_0 + i * spacing_column * r + j * spacing_row * c + k * s * d

A *gap* is the difference between the heights of two neighbouring slices. A *two-spacing protocol* images the base of
the skull in finer slices than the rest: one block of equal gaps, then another. A slice that was lost makes one gap
larger instead, here or there. So two blocks of at least `BLOCK_GAPS` gaps each, and no more, are a protocol.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..findings import Finding, finding, refusal
from ..volume import MIN_COVERAGE_MM, MIN_SLICES
from ..words import counted

SAME_HEIGHT_MM = 0.01
"""Two slices closer than this are at one position; scanners' positions are that exact, real spacings are far larger."""

OFF_LINE_MM = 0.5
"""Largest distance of a slice from the line through the others (rounding of its position)."""

TILT_DEGREES = 0.5
"""Smaller angles between the line of slices and their normal are rounding."""

MOST_TILT_DEGREES = 45.0
"""No gantry tilts as far."""

THICK_MM = 3.0
"""From above this on, slices are reported as thick."""

LARGEST_GAP_MM = 20.0
"""Slices of a head CT lie closer together; what is beyond it is a wrong unit, or sections picked for a report."""

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""DICOM's axes point to the left and to posterior, NIfTI's to the right and to anterior."""


@dataclass(frozen=True)
class Grid:
    """Target grid of a stack: slice k of the volume lies at height `heights_mm[0] + k * spacing_mm`.

    `heights_mm` (S,) are the true heights of the S slices, ascending; `count` is the number of slices of the volume.
    When `resample` is false the S slices are the volume's slices; else they are interpolated (see `blend`).
    """

    affine: NDArray[np.float64]
    heights_mm: NDArray[np.float64]
    spacing_mm: float
    count: int
    resample: bool
    findings: tuple[Finding, ...]


def normal_of(orientation: tuple[float, ...]) -> NDArray[np.float64]:
    """Unit normal (3,) of the plane of `orientation` (6,), row cosines first.

    Raises:
        InputRefused: `geometry_invalid` when the cosines are not unit vectors at right angles.
    """
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not (np.allclose(lengths, 1.0, atol=1e-2) and abs(row @ column) < 1e-2):
        values = ", ".join(f"{v:g}" for v in orientation)
        raise refusal("geometry_invalid", f"The orientation ({values}) is not two unit vectors at right angles.")
    normal = np.cross(row, column)
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def heights(positions_mm: NDArray[np.float64], orientation: tuple[float, ...]) -> NDArray[np.float64]:
    """Heights (S,) in mm of slices at `positions_mm` (S, 3) along their normal."""
    return np.asarray(positions_mm @ normal_of(orientation), dtype=np.float64)


def grid_of(
    positions_mm: NDArray[np.float64],
    orientation: tuple[float, ...],
    pixel_spacing_mm: tuple[float, float],
    size: tuple[int, int],
    thickness_mm: float | None = None,
) -> Grid:
    """The uniform grid for slices at `positions_mm` (S, 3), sorted by height, of `size` = (columns, rows) pixels.

    `pixel_spacing_mm` is (between rows, between columns), as in DICOM; `thickness_mm` is the largest slice thickness.

    Raises:
        InputRefused: too few slices, too little coverage, missing slices, slices beside the line of the others.
    """
    if len(positions_mm) < MIN_SLICES:
        raise refusal(
            "too_few_slices", f"The series has {counted(len(positions_mm), 'slice')}, fewer than {MIN_SLICES}."
        )
    height = heights(positions_mm, orientation)
    gaps = np.diff(height)
    _check_coverage(height, gaps, pixel_spacing_mm, size)
    if np.median(gaps) > LARGEST_GAP_MM:
        raise refusal("geometry_invalid", f"The slices are {np.median(gaps):.0f} mm apart, which no head CT is.")
    kind = spacing_kind(gaps)
    step = _step(positions_mm, height)
    if kind == "uniform":
        spacing, count = float((height[-1] - height[0]) / (len(height) - 1)), len(height)
    else:
        spacing, count = common_spacing(height)
    affine = np.eye(4)
    affine[:3, 0] = np.array(orientation[:3]) * pixel_spacing_mm[1]
    affine[:3, 1] = np.array(orientation[3:]) * pixel_spacing_mm[0]
    affine[:3, 2] = step * spacing
    affine[:3, 3] = positions_mm[0]
    found = _flags(kind, gaps, spacing, step, orientation, thickness_mm)
    return Grid(LPS_TO_RAS @ affine, height, spacing, count, kind != "uniform", found)


def blend(grid: Grid, node: int) -> tuple[int, int, float]:
    """Slices a and b around slice `node` of the grid and the weight of b: value = (1 - w) a + w b, at true heights.

    A slice within `UNIFORM_MM` of the node is taken as it is, so that no slice loses its values to its neighbour.
    """
    height = min(grid.heights_mm[0] + node * grid.spacing_mm, grid.heights_mm[-1])
    above = int(np.clip(np.searchsorted(grid.heights_mm, height), 1, len(grid.heights_mm) - 1))
    low, high = grid.heights_mm[above - 1], grid.heights_mm[above]
    if min(height - low, high - height) <= UNIFORM_MM:
        return above - 1, above, float(high - height < height - low)
    return above - 1, above, float((height - low) / (high - low))


def _step(positions_mm: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """World displacement (3,) for one mm of height along the line of the slices."""
    step = (positions_mm[-1] - positions_mm[0]) / (height[-1] - height[0])
    off_line = np.linalg.norm(positions_mm - positions_mm[0] - np.outer(height - height[0], step), axis=1).max()
    if off_line > OFF_LINE_MM:
        raise refusal("geometry_invalid", f"A slice lies {off_line:.1f} mm beside the line through the other slices.")
    return np.asarray(step, dtype=np.float64)


def _check_coverage(
    height: NDArray[np.float64], gaps: NDArray[np.float64], pixel_spacing_mm: tuple[float, float], size: tuple[int, int]
) -> None:
    """Refuse a stack that covers under 100 mm in some direction (each slice counted with the usual gap)."""
    extents = {
        "along the slices": height[-1] - height[0] + float(np.median(gaps)),
        "across the columns": size[0] * pixel_spacing_mm[1],
        "across the rows": size[1] * pixel_spacing_mm[0],
    }
    for direction, extent in extents.items():
        if extent < MIN_COVERAGE_MM:
            raise refusal("short_coverage", f"The series covers {extent:.0f} mm {direction}, under 100 mm.")


def _flags(
    kind: str,
    gaps: NDArray[np.float64],
    spacing_mm: float,
    step: NDArray[np.float64],
    orientation: tuple[float, ...],
    thickness_mm: float | None,
) -> tuple[Finding, ...]:
    """Flags that the geometry gives rise to.

    Raises:
        InputRefused: `geometry_invalid` for a tilt that no gantry has.
    """
    found = []
    tilt = float(np.degrees(np.arccos(np.clip(normal_of(orientation) @ step / np.linalg.norm(step), -1.0, 1.0))))
    if tilt > MOST_TILT_DEGREES:
        text = f"The line through the slices leans by {tilt:.0f} degrees from their normal, gantries tilt by up to 30"
        raise refusal("geometry_invalid", f"{text}: most likely positions or orientations were changed.")
    if tilt > TILT_DEGREES:
        found.append(
            finding("gantry_tilt", f"The gantry was tilted by {tilt:.1f} degrees; geometry is corrected for it.")
        )
    if kind == "two_spacings":
        ends = f"{np.median(gaps[:BLOCK_GAPS]):.2f} and {np.median(gaps[-BLOCK_GAPS:]):.2f} mm"
        text = f"The series has two slice spacings, {ends}; it was resampled to {spacing_mm:.2f} mm."
        found.append(finding("two_spacings", text))
    elif kind == "uneven":
        text = f"Slice spacing varies from {gaps.min():.2f} to {gaps.max():.2f} mm; resampled to {spacing_mm:.2f} mm."
        found.append(finding("uneven_spacing", text))
    thick = max(float(gaps.max()), thickness_mm or 0.0)
    if thick > THICK_MM + UNIFORM_MM:
        found.append(finding("thick_slices", f"Slices are up to {thick:.1f} mm thick or apart."))
    return tuple(found)


UNIFORM_MM = 0.1
"""Largest distance of a slice from its place on a uniform grid without being interpolated (rounding, again)."""

MISSING_FACTOR = 1.5
"""A gap larger than this times the usual one means a missing slice."""

BLOCK_GAPS = 3
"""Equal gaps in a row that make a block of a two-spacing protocol: a slice lost here or there makes one or two."""

FINEST_MM = 0.5
"""No resampled grid is finer than this."""


def spacing_kind(gaps_mm: NDArray[np.float64]) -> str:
    """The kind of the gaps (S - 1,): "uniform", "two_spacings" (two blocks, one after the other) or "uneven".

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
    """True if the gaps are a block of equal ones, at most one gap between, then a block of others, again equal."""
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
    """True if gaps are equal but for rounding."""
    tolerance = 2 * UNIFORM_MM if gaps_mm.mean() > 1.0 else UNIFORM_MM
    return bool(np.ptp(gaps_mm) <= tolerance)


def common_spacing(heights_mm: NDArray[np.float64]) -> tuple[float, int]:
    """Spacing of a uniform grid from the first height on which every slice (nearly) has a node, and its node count.

    The coarsest spacing wins that is at most the smaller usual gap and leaves every slice within `UNIFORM_MM` of a
    node; failing that, the one that leaves the least, changed so little that the last node is at the last slice. So
    slices keep their values where they lie, and no node lies beyond what was scanned.
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
    if not len(fits):
        steps = min(round(offsets[-1] / spacing), int(offsets[-1] / FINEST_MM))
        return float(offsets[-1] / steps), steps + 1
    return spacing, int(np.ceil(offsets[-1] / spacing - UNIFORM_MM / spacing)) + 1
