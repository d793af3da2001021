"""One picture of a result: the scan, the heatmap over it and the scores, as a reproducible PNG.

First row: axial, coronal and sagittal planes through the peak of the heatmap, and the axial one in a bone window, all
with the heatmap over them. Second row: the same planes without it, with the outlines of the regions if they are given.
Third row: axial levels from the bottom to the top of the head. See `planes` for how each is turned.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..preprocessing.regions import WHOLE_COVERAGE, scored_regions
from .overlay import BONE_WINDOW_HU, BRAIN_WINDOW_HU, OUTLINES, Scan, blend, paint
from .planes import Array, Plane, head_box_mm, peak_mm, plane_through

PANEL = 400
"""Side of a panel in pixels."""

COLUMNS = (*((kind, BRAIN_WINDOW_HU) for kind in ("axial", "coronal", "sagittal")), ("axial", BONE_WINDOW_HU))
"""Kind of plane and window of the panels in the first two rows."""

FLAG_LINES = 2
"""Lines of text that the flags have room for."""

LEVELS = 8
"""Axial levels in the last row, each half as large."""

GAP = 4
"""Pixels between panels."""

HEADER, FOOTER, BAR = 96, 30, 110
"""Heights of the header and footer and width of the column of the colour bar, in pixels."""

BACKGROUND, TEXT, QUIET, WARNING = (14, 16, 20), (235, 238, 242), (150, 156, 166), (255, 190, 80)
"""Colours of the sheet."""

TITLE, UNCONFIRMED = "Head CT position anomaly", "POSE UNCONFIRMED, research only"
"""Title of the picture, and of one whose pose a user forced."""

NOTE = "Patient's right is on the image's left. Research use only: not a medical device."


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
    unconfirmed: bool = False,
) -> bytes:
    """The picture, as the bytes of a PNG.

    `volume_hu`, `heatmap` and the labels `regions` are (I, J, K) on one grid; `scores` in `unit`, as the heatmap, and
    their `percentiles` among healthy scans, None where a region got none; `coverage` is the share (0 to 1) of each
    region in view, shown where it is cut; `flags` are sentences about the input. The colours end at
    twice the `threshold`, so that pictures can be compared; without one, at the heatmap's maximum inside the regions
    that have a score, rounded up. The peak, too, is looked for there. Where the pose is `unconfirmed`, the title says
    so.

    Raises:
        ValueError: the volumes are not 3-D and of one shape.
    """
    shapes = {array.shape for array in (volume_hu, heatmap, regions) if array is not None}
    if len(shapes) != 1 or volume_hu.ndim != 3:
        raise ValueError(f"volume, heatmap and regions must be 3-D and of one shape, got {sorted(shapes)}")
    scored = None if regions is None else scored_regions(regions, scores or {})
    inside = heatmap if scored is None else heatmap[scored > 0]
    top = 2 * threshold if threshold else round_up(float(inside.max(initial=0)))
    scan = Scan(volume_hu, heatmap, affine, regions, top)
    height = HEADER + 2 * (PANEL + GAP) + PANEL // 2 + FOOTER
    sheet = Image.new("RGB", (4 * (PANEL + GAP) + BAR, height), BACKGROUND)
    draw_header(sheet, scores_in_words(scores or {}, percentiles or {}, coverage or {}, unit), flags)
    label(sheet, (10, 8), UNCONFIRMED if unconfirmed else TITLE, 22, WARNING if unconfirmed else TEXT)
    draw_panels(sheet, scan, peak_mm(heatmap, affine, scored))
    draw_bar(sheet, scan.top, unit, threshold)
    draw_footer(sheet, regions is not None)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 15, 20, 25, 30, 40, 50, ... above a value; 1 for nothing at all."""
    steps = (1, 2, 5, 10, 15, 20, 25, *range(30, 100, 10), *range(100, 500, 50))
    return float(next((step for step in steps if step >= value), np.ceil(value)))


def draw_panels(sheet: Image.Image, scan: Scan, peak: Array) -> None:
    """The three rows of planes, the first two through the peak (world mm)."""
    box = head_box_mm(scan.volume_hu, scan.affine)
    centre, side = box.mean(axis=0), float((box[1] - box[0]).max()) * 1.04
    for column, (kind, window) in enumerate(COLUMNS):
        plane = plane_through(kind, peak, centre, side, PANEL)
        for row, heat in enumerate((True, False)):
            panel = Image.fromarray(paint(scan, plane, window, heat, outlines=not heat))
            annotate(panel, plane, peak, side, crosshair=heat, window=window)
            sheet.paste(panel, (column * (PANEL + GAP), HEADER + row * (PANEL + GAP)))
    for column, height in enumerate(np.linspace(box[0, 2], box[1, 2], LEVELS + 2)[1:-1]):
        plane = plane_through("axial", np.array([*centre[:2], height]), centre, side, (PANEL - GAP) // 2)
        panel = Image.fromarray(paint(scan, plane, BRAIN_WINDOW_HU, heat=True, outlines=False))
        label(panel, (6, 4), f"z {height:.0f}", 12, QUIET)
        sheet.paste(panel, (column * (PANEL + GAP) // 2, HEADER + 2 * (PANEL + GAP)))


def annotate(
    panel: Image.Image, plane: Plane, peak: Array, side_mm: float, crosshair: bool, window: tuple[float, float]
) -> None:
    """Orientation letters, position, window, a bar of 5 cm and, if wanted, a crosshair that leaves the peak free."""
    middle, far = panel.width // 2, panel.width - 8
    for letter, place, anchor in zip(
        plane.letters, [(8, middle), (far, middle), (middle, 6), (middle, far)], ["lm", "rm", "ma", "md"], strict=True
    ):
        label(panel, place, letter, 18, TEXT, anchor)
    axis = {"axial": 2, "coronal": 1, "sagittal": 0}[plane.kind]
    label(panel, (8, 6), f"{plane.kind}  {'xyz'[axis]} {peak[axis]:.0f} mm", 13, QUIET)
    label(panel, (8, far), f"{window[0]:.0f} to {window[1]:.0f} HU", 12, QUIET, "ld")
    draw, length = ImageDraw.Draw(panel), 50 / side_mm * panel.width
    draw.line([(far - length, far - 4), (far, far - 4)], fill=QUIET, width=2)
    label(panel, (round(far - length / 2), far - 8), "5 cm", 12, QUIET, "md")
    if crosshair:
        row, column = plane.pixel(peak)
        for near, end in ((14, 34), (-14, -34)):
            draw.line([(column + near, row), (column + end, row)], fill=TEXT)
            draw.line([(column, row + near), (column, row + end)], fill=TEXT)


def scores_in_words(
    scores: Mapping[str, float | None],
    percentiles: Mapping[str, float | None],
    coverage: Mapping[str, float | None],
    unit: str,
) -> list[tuple[str, str]]:
    """Each region's score in words, and below it the percentile, and the share in view of a region that is cut."""
    words = []
    for name, score in scores.items():
        percentile, share = percentiles.get(name), coverage.get(name)
        shown = "no score" if score is None else f"{score:.1f} {unit}".rstrip()
        known = [] if percentile is None else [f"percentile {percentile:.0f}"]
        cut = [] if share is None or share >= WHOLE_COVERAGE else [f"{100 * share:.0f} % in view"]
        words.append((f"{name.replace('_', ' ')}: {shown}", ", ".join([*known, *cut])))
    return words


def draw_header(sheet: Image.Image, scores: Sequence[tuple[str, str]], flags: Sequence[str]) -> None:
    """Scores in two lines of words, and flags."""
    for place, (score, more) in enumerate(scores, 1):
        label(sheet, (place * (PANEL + GAP), 6), score, 20, TEXT)
        label(sheet, (place * (PANEL + GAP), 30), more, 14, TEXT)
    text = "Flags: " + (" ".join(flags) if flags else "none")
    lines = wrapped(text, sheet.width - 20, 14)
    if len(lines) > FLAG_LINES:
        lines = [
            *wrapped(text, sheet.width - 220, 14)[: FLAG_LINES - 1],
            f"and {len(flags)} flags in all: see result.json",
        ]
    for line, piece in enumerate(lines):
        label(sheet, (10, 52 + 20 * line), piece, 14, WARNING if flags else QUIET)


def draw_footer(sheet: Image.Image, outlines: bool) -> None:
    """Draws the footer: the facts needed to read the picture, and the names of the outlines."""
    label(sheet, (10, sheet.height - 22), NOTE, 14, QUIET)
    for place, (name, colour) in enumerate(OUTLINES.values() if outlines else ()):
        label(sheet, (2 * (PANEL + GAP) + place * 150, sheet.height - 22), name, 14, colour)


def wrapped(text: str, width: int, size: int) -> list[str]:
    """A text broken at spaces into lines of at most `width` pixels."""
    lines, font = [""], ImageFont.load_default(size)
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def draw_bar(sheet: Image.Image, top: float, unit: str, threshold: float | None) -> None:
    """The colours over a mid grey, with the values at five places, and what the threshold is, which is the middle."""
    left, upper, height = 4 * (PANEL + GAP) + 14, HEADER + 40, 2 * PANEL - 80
    level = np.linspace(1, 0, height)[:, None] * np.ones((1, 24))
    bar = blend(np.full((height, 24, 3), 110.0), level)
    sheet.paste(Image.fromarray(np.round(bar).astype(np.uint8)), (left, upper))
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        place = (left + 32, round(upper + (1 - part) * (height - 1)))
        label(sheet, place, f"{part * top:.3g} {unit}".rstrip(), 14, TEXT, "lm")
    if threshold:
        lines = ("95 % of", "healthy", "scores", "are less")
        for line, text in enumerate(lines):
            label(sheet, (left + 32, upper + height // 2 + 16 + 14 * line), text, 12, QUIET, "lm")


def label(image: Image.Image, place: tuple[int, int], text: str, size: int, colour: Any, anchor: str = "la") -> None:
    """A piece of text that can be read on any ground."""
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text(place, text, colour, font, anchor, stroke_width=2, stroke_fill=(0, 0, 0))
