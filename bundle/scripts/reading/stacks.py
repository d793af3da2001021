"""From a chosen stack of DICOM images to a volume: checks of the headers, pixels, and the uniform grid."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..files.names import shown
from ..findings import Finding, finding, refusal
from ..volume import Volume, check_values, split_padding
from ..words import counted
from .budget import check_extent, check_size
from .headers import ImageHeader
from .hu_scale import check_levels, thinned
from .padding import values_inside
from .pixels import check_rescale, load_hu
from .series import Stack
from .slices import SAME_HEIGHT_MM, Grid, blend, grid_of, heights

SAME_SPACING = 1e-3
"""Largest relative difference of pixel spacings in one series: rounding of text values."""


UNLIKE, ALIKE = 0.5, 0.75
"""Correlations: a slice below the first with both its neighbours, which are above the second with each other, is
damaged or of another scan. A head does not change and change back between two slices that are so alike."""


def stack_grid(stack: Stack) -> tuple[Grid, tuple[ImageHeader, ...], tuple[tuple[ImageHeader, ...], ...]]:
    """Grid of a stack, one image for each of its slices, and the groups of images that share a position.

    Raises:
        InputRefused: for any fault of the stack that headers alone show.
    """
    for image in stack.images:
        check_rescale(image)
    positions = _checked_positions(stack)
    first = stack.first
    assert first.orientation is not None
    assert first.pixel_spacing_mm is not None
    height = heights(positions, first.orientation)
    if len(height) > 1 and np.ptp(height) <= SAME_HEIGHT_MM:
        text = f"All {len(height)} images are at the same position: they repeat one slice, or have lost theirs."
        raise refusal("geometry_invalid", text)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(height) > SAME_HEIGHT_MM]))
    ends = [*starts[1:], len(height)]
    groups = tuple(stack.images[start:end] for start, end in zip(starts, ends, strict=True) if end - start > 1)
    spacing = (first.pixel_spacing_mm[0], first.pixel_spacing_mm[1])
    thickness = max((image.thickness_mm or 0.0 for image in stack.images), default=0.0)
    grid = grid_of(positions[starts], first.orientation, spacing, (first.columns, first.rows), thickness)
    check_size((first.columns, first.rows, max(grid.count, len(stack.images))))
    check_extent((first.columns, first.rows, grid.count), grid.affine, "geometry_invalid")
    if grid.resample:
        _check_acquisitions(stack, height)
    return grid, tuple(stack.images[k] for k in starts), groups


def _check_acquisitions(stack: Stack, height: NDArray[np.float64]) -> None:
    """Refuse unevenly spaced slices of two acquisitions that reach into one another: the patient may have moved."""
    numbers = [image.acquisition for image in stack.images]
    ends = sorted(
        (min(own), max(own))
        for own in ([h for h, n in zip(height, numbers, strict=True) if n == a] for a in {*numbers})
    )
    overlaps = [low < high - SAME_HEIGHT_MM for (_, high), (low, _) in itertools.pairwise(ends)]
    if any(overlaps):
        raise refusal("position_conflict", f"{len(ends)} acquisitions of the series lie between each other's slices.")


def _checked_positions(stack: Stack) -> NDArray[np.float64]:
    """Positions (S, 3) of the images; refuses a geometry that is missing, impossible or not the same throughout."""
    first = stack.first
    for name in ("position_mm", "orientation", "pixel_spacing_mm"):
        missing = sum(getattr(image, name) is None for image in stack.images)
        if missing:
            words = {"position_mm": "position", "pixel_spacing_mm": "pixel spacing"}.get(name, name)
            raise refusal("geometry_missing", f"The {words} is missing or no number in {counted(missing, 'image')}.")
    spacings = np.array([image.pixel_spacing_mm for image in stack.images])
    if spacings.min() < 0.05 or spacings.max() > 10.0:
        raise refusal(
            "geometry_invalid", f"A pixel spacing of {spacings.min():g} to {spacings.max():g} mm is not possible."
        )
    if np.ptp(spacings, axis=0).max() > SAME_SPACING * spacings.max():
        text = f"The pixel spacing varies from {spacings.min():g} to {spacings.max():g} mm inside the series."
        raise refusal("mixed_geometry", text)
    assert first.orientation is not None
    return np.array([image.position_mm for image in stack.images])


def stack_volume(stack: Stack) -> Volume:
    """The volume of a stack, with the flags of its geometry and its values.

    Raises:
        InputRefused: for any fault of the stack that headers or pixels show.
    """
    grid, images, groups = stack_grid(stack)
    hu, padding = load_hu(images)
    found = [*grid.findings, *_duplicates(groups, len(images)), *values_inside(hu, padding)]
    raw, measured = thinned(hu), None if padding is None else ~thinned(padding)
    valid = split_padding(hu, padding)
    check_neighbours(hu, images)
    check_levels(raw, measured, images)
    if grid.resample:
        hu, valid = resample(hu, valid, grid)
    volume = Volume(hu.transpose(2, 1, 0), grid.affine, None if valid is None else valid.transpose(2, 1, 0))
    widest_mm = float(np.diff(grid.heights_mm).max()) if grid.resample else 0.0
    return replace(volume, findings=(*found, *check_values(volume)), widest_gap_mm=widest_mm)


def _duplicates(groups: tuple[tuple[ImageHeader, ...], ...], slices: int) -> list[Finding]:
    """A flag for images that are there twice, of so many slices; refuses two at one position whose pixels differ."""
    for group in groups:
        first, _ = load_hu(group[:1])
        for image in group[1:]:
            if (load_hu((image,))[0] != first).any():
                names = f"{shown(group[0].path)} and {shown(image.path)}"
                raise refusal("position_conflict", f"{_repeats(groups, slices)}: {names}.")
    count = sum(len(group) - 1 for group in groups)
    text = f"{counted(count, 'image is', 'images are')} there twice and used once."
    return [finding("duplicates_dropped", text)] if count else []


def _repeats(groups: tuple[tuple[ImageHeader, ...], ...], slices: int) -> str:
    """That images at one position differ; where all positions have several, how the header tells these apart."""
    text = "Images at one position have different pixels"
    if len(groups) < slices:
        return text
    numbers = sorted({image.acquisition for group in groups for image in group if image.acquisition is not None})
    told = f", AcquisitionNumber {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else ""
    return f"{text}, and each of {slices} positions has several (repeated scans{told})"


def check_neighbours(hu: NDArray[np.int16], images: tuple[ImageHeader, ...]) -> None:
    """Refuse a slice of `hu` (S, rows, columns) that is unlike both of its neighbours, while they are like each other.

    Compressed pixels hold no checksum: damaged ones decode to noise. Every fourth pixel along each axis is looked at.

    Raises:
        InputRefused: `corrupt_pixels`, naming the file.
    """
    small = hu[:, ::4, ::4].reshape(len(hu), -1).astype(np.float32)
    small -= small.mean(axis=1, keepdims=True)
    small /= np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)
    next_one, one_after = (small[:-1] * small[1:]).sum(axis=1), (small[:-2] * small[2:]).sum(axis=1)
    unlike = (next_one[:-1] < UNLIKE) & (next_one[1:] < UNLIKE) & (one_after > ALIKE)
    if unlike.any():
        name = shown(images[int(unlike.argmax()) + 1].path)
        raise refusal("corrupt_pixels", f"The image in {name} is unlike the slices on both sides of it.")


def resample(
    hu: NDArray[np.int16], valid: NDArray[np.bool_] | None, grid: Grid
) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None]:
    """Slices (S, rows, columns) at their true heights, interpolated linearly to the grid (K, rows, columns).

    A voxel is valid where both slices that it comes from are.
    """
    values = np.empty((grid.count, *hu.shape[1:]), dtype=np.int16)
    known = None if valid is None else np.empty(values.shape, dtype=bool)
    for node in range(grid.count):
        below, above, weight = blend(grid, node)
        values[node] = np.rint((1 - weight) * hu[below] + weight * hu[above])
        if valid is not None and known is not None:
            known[node] = (valid[below] | (weight == 1)) & (valid[above] | (weight == 0))
    return values, known
