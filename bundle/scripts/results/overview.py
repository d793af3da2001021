"""One picture of a result: the scan, what is unusual in it, and the scores, as a reproducible PNG.

First row: axial, coronal and sagittal planes through the first mark, and the axial one in the other window; contours
enclose what is above the threshold. Without a mark they run through the middle of the head. Second row: the same planes
without contours, with the outlines of the regions if they are given, or close-ups of a mark in the skull; and the
unrolled skull. Third row: the planes of the next two marks, where there are any, and the list of all. Last row: axial
levels from the bottom to the top of the head. See `planes` for how each is turned, and `marks` for what a mark is.

A heatmap without a known threshold has no marks: it is blended in, and the planes run through its peak.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..preprocessing.regions import scored_regions
from .drawing import BACKGROUND, QUIET, TEXT, WARNING, fitted, label
from .header import (
    FOOTER,
    HEADER,
    TITLE,
    UNCONFIRMED,
    draw_footer,
    draw_header,
    draw_marks,
    draw_strips,
    scores_in_words,
)
from .key import WIDTH, draw_bar, draw_contours, round_up
from .marks import SHOWN, Mark
from .overlay import BONE_WINDOW_HU, BRAIN_WINDOW_HU, Scan, paint
from .panels import CLOSE_MM, GAP, KINDS, PANEL, TITLES, annotate, draw_crosshair, draw_titled, plane_in_words, view_of
from .planes import Array, head_box_mm, peak_mm, plane_through
from .strip import Healthy

LEVELS = 8
"""Axial levels in the last row, each half as large as a panel."""

LISTED = 9
"""Marks that the list has room for."""


def overview(
    volume_hu: NDArray[Any],
    heatmap: NDArray[Any],
    affine: Array,
    *,
    regions: NDArray[Any] | None = None,
    scores: Mapping[str, float | None] | None = None,
    percentiles: Mapping[str, float | None] | None = None,
    coverage: Mapping[str, float | None] | None = None,
    flags: Sequence[str] = (),
    unit: str = "mm",
    threshold: float | None = None,
    meaning: str = "95 % of healthy scores are less",
    unconfirmed: bool = False,
    even: bool = True,
    marks: Sequence[Mark] = (),
    healthy: Mapping[str, Healthy] | None = None,
    skull: Image.Image | None = None,
) -> bytes:
    """The picture, as the bytes of a PNG.

    `volume_hu`, `heatmap` and the labels `regions` are (I, J, K) on one grid; `scores` in `unit`, as the heatmap, and
    their `percentiles` among healthy scans, None where a region got none; `coverage` is the share (0 to 1) of each
    region in view, shown where it is cut; `flags` are sentences about the input. With a `threshold`, of which `meaning`
    says what it is, contours enclose what is above it; without one, the colours end at the heatmap's maximum inside the
    regions that have a score, rounded up, and the peak is looked for there. `marks` are shown in their order. `healthy`
    has the healthy scores by region. `skull` is the unrolled skull, `PANEL` pixels a side. Where the pose is
    `unconfirmed`, the title says so. Slices are numbered where they are those of the scanner, at `even` distances.

    Raises:
        ValueError: the volumes are not 3-D and of one shape.
    """
    shapes = {array.shape for array in (volume_hu, heatmap, regions) if array is not None}
    if len(shapes) != 1 or volume_hu.ndim != 3:
        raise ValueError(f"volume, heatmap and regions must be 3-D and of one shape, got {sorted(shapes)}")
    scored = None if regions is None else scored_regions(regions, scores or {})
    inside = heatmap if scored is None else heatmap[scored > 0]
    top = 2 * threshold if threshold else round_up(float(inside.max(initial=0)))
    scan, box = Scan(volume_hu, heatmap, affine, regions, top, threshold, even), head_box_mm(volume_hu, affine)
    more = TITLES + PANEL // 2 + GAP if len(marks) > 1 else 0
    height = HEADER + 2 * (TITLES + PANEL + GAP) + more + TITLES + PANEL // 2 + GAP + FOOTER
    sheet = Image.new("RGB", (4 * (PANEL + GAP) + WIDTH, height), BACKGROUND)
    draw_header(sheet, scores_in_words(scores or {}, percentiles or {}, coverage or {}, unit), flags)
    draw_strips(sheet, scores or {}, healthy or {})
    label(sheet, (10, 8), UNCONFIRMED if unconfirmed else TITLE, 22, WARNING if unconfirmed else TEXT)
    draw_panels(sheet, scan, box, marks, None if threshold else peak_mm(heatmap, affine, scored), skull)
    if more:
        draw_more(sheet, scan, box, marks)
    draw_levels(sheet, scan, box, height - FOOTER - GAP - PANEL // 2 - TITLES)
    if threshold:
        draw_marks(sheet, marks)
        draw_contours(sheet, meaning)
    else:
        draw_bar(sheet, scan.top, unit)
    draw_footer(sheet, regions is not None)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def draw_panels(
    sheet: Image.Image, scan: Scan, box: Array, marks: Sequence[Mark], peak: Array | None, skull: Image.Image | None
) -> None:
    """Draw the first two rows, through the first mark, the peak or the middle of the head's `box` (2, 3)."""
    (centre, side), bone = view_of(box), bool(marks) and marks[0].bone
    point = marks[0].at_mm if marks else centre if peak is None else peak
    found = point if marks or peak is not None else None
    windows = (BONE_WINDOW_HU, BRAIN_WINDOW_HU) if bone else (BRAIN_WINDOW_HU, BONE_WINDOW_HU)
    for column, kind in enumerate((*KINDS, "axial")):
        window, corner = windows[column // len(KINDS)], (column * (PANEL + GAP), HEADER)
        plane = plane_through(kind, point, centre, side, PANEL)
        panel = Image.fromarray(paint(scan, plane, window, heat=True, outlines=False))
        annotate(panel, plane, side, found, window)
        if marks and column == 0:
            label(panel, (8, 6), str(marks[0].number), 18, WARNING)
        draw_titled(sheet, panel, corner, plane_in_words(plane, point, scan))
        below = (corner[0], HEADER + TITLES + PANEL + GAP)
        if skull is not None and column == len(KINDS):
            draw_titled(sheet, skull, below, "skull, unrolled: bright where bone is missing")
            continue
        if bone:
            plane = plane_through(kind, point, point, CLOSE_MM, PANEL)
        panel = Image.fromarray(paint(scan, plane, window, heat=False, outlines=not bone))
        annotate(panel, plane, CLOSE_MM if bone else side, None, window)
        draw_titled(sheet, panel, below, plane_in_words(plane, point, scan) + (", close-up" if bone else ""))


def draw_more(sheet: Image.Image, scan: Scan, box: Array, marks: Sequence[Mark]) -> None:
    """Draw the row of the marks after the first one, and the list of all."""
    (centre, side), size = view_of(box), (PANEL - GAP) // 2
    upper, step = HEADER + 2 * (TITLES + PANEL + GAP), (PANEL + GAP) // 2
    for place, mark in enumerate(marks[1:SHOWN]):
        for turn, kind in enumerate(KINDS):
            plane = plane_through(kind, mark.at_mm, centre, side, size)
            window = BONE_WINDOW_HU if mark.bone else BRAIN_WINDOW_HU
            panel = Image.fromarray(paint(scan, plane, window, heat=True, outlines=False))
            draw_crosshair(ImageDraw.Draw(panel), plane, mark.at_mm, 17)
            label(panel, (6, 4), str(mark.number) if turn == 0 else "", 14, WARNING)
            corner = ((len(KINDS) * place + turn) * step, upper)
            draw_titled(sheet, panel, corner, plane_in_words(plane, mark.at_mm, scan))
    draw_list(sheet, (len(KINDS) * (len(marks[:SHOWN]) - 1) * step + 8, upper), marks)


def draw_list(sheet: Image.Image, corner: tuple[int, int], marks: Sequence[Mark]) -> None:
    """Draw the list of marks by their numbers, with the excess of each over the threshold."""
    ordered, room = sorted(marks, key=lambda mark: mark.number), 4 * (PANEL + GAP) - corner[0] - 8
    label(sheet, (corner[0], corner[1] + 3), "above the threshold (times it)", 13, TEXT)
    for line, mark in enumerate(ordered[:LISTED]):
        text = fitted(f"{mark.number}: {mark.words} ({mark.excess:.1f})", room, 12)
        shown = any(mark is one for one in marks[:SHOWN])
        label(sheet, (corner[0], corner[1] + TITLES + 6 + 18 * line), text, 12, WARNING if shown else TEXT)
    if len(ordered) > LISTED:
        text = f"and {len(ordered) - LISTED} more: see result.json"
        label(sheet, (corner[0], corner[1] + TITLES + 6 + 18 * LISTED), text, 12, QUIET)


def draw_levels(sheet: Image.Image, scan: Scan, box: Array, upper: int) -> None:
    """Draw the row of axial levels, from a row of the sheet on."""
    centre, side = view_of(box)
    for column, height in enumerate(np.linspace(box[0, 2], box[1, 2], LEVELS + 2)[1:-1]):
        point = np.array([*centre[:2], height])
        plane = plane_through("axial", point, centre, side, (PANEL - GAP) // 2)
        panel = Image.fromarray(paint(scan, plane, BRAIN_WINDOW_HU, heat=True, outlines=False))
        corner = (column * (PANEL + GAP) // 2, upper)
        draw_titled(sheet, panel, corner, plane_in_words(plane, point, scan).removeprefix("axial  "))
