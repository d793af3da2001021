"""One picture of the unrolled skull: its gap map, the strongest line and the holes, as a reproducible PNG.

The calvaria is seen from above in an equal-area projection: the front is up, the patient's right on the left, the
vertex in the middle. Bright places lack bone; sutures are bright, too. The line is drawn beside its course, not over
it. Nothing is marked unless the skull's score is above `UNUSUAL` percent of healthy scans. What gives the score is
marked: the line, or by a ring the place of the wide line or the dent.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..geometry.coordinates import CENTRE_MM
from ..skull.assessment import Assessment
from ..skull.atlas import atlas
from ..skull.lookup import PIXEL_MM
from ..skull.measure import MAPS
from ..skull.unrolled import image, pixels
from .overview import BACKGROUND, QUIET, TEXT, WARNING, label

SIDE = 640
"""Side of the picture's map in pixels; the header lies above."""

HEADER = 70
GAPS = (-0.1, 0.7)
"""Gaps that are shown black and white."""

UNUSUAL = 95.0
"""Percentile from which on something is marked: every skull has a strongest line."""

ASIDE_MM = 4.0
"""Distance at which a line is drawn beside its course."""

LETTERS = {"front": (0.5, 0.03), "back": (0.5, 0.97), "R": (0.03, 0.5), "L": (0.97, 0.5)}
LINE, HOLE = (255, 120, 60), (90, 170, 255)

RING_MM = 12.0
"""Radius of the ring around a wide line or a dent."""

WORDS = {"wide": "a wide line (orange ring)", "dents": "a dent (orange ring)"}


def unrolled_skull(found: Assessment) -> bytes:
    """The picture of an assessed skull, as the bytes of a PNG."""
    tables, skull = atlas(), found.skull
    shown = np.where(skull.gaps.bone, skull.gaps.gap, np.nan)
    for hole in skull.holes:
        shown[hole.places] = 1
    levels = np.clip((image(shown, tables) - GAPS[0]) / (GAPS[1] - GAPS[0]), 0, 1)
    grey = np.repeat(np.nan_to_num(levels * 255)[..., None], 3, axis=2).astype(np.uint8)
    grey[np.isnan(levels)] = BACKGROUND
    scale = SIDE / len(grey)
    sheet = Image.new("RGB", (SIDE, SIDE + HEADER), BACKGROUND)
    sheet.paste(Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BILINEAR), (0, HEADER))
    draw = ImageDraw.Draw(sheet)
    mark(draw, found, scale)
    for hole in found.defects:
        out = (hole.middle_mm - np.array(CENTRE_MM)) / np.linalg.norm(hole.middle_mm - np.array(CENTRE_MM))
        ring(draw, pixels(out[None])[0] * scale + (HEADER, 0), hole.diameter_mm / 2 / PIXEL_MM * scale + 3, HOLE)
    for text, (x, y) in LETTERS.items():
        label(sheet, (round(x * SIDE), HEADER + round(y * SIDE)), text, 16, TEXT, "mm")
    draw_words(sheet, found)
    stream = io.BytesIO()
    sheet.save(stream, "PNG", compress_level=6)
    return stream.getvalue()


def mark(draw: ImageDraw.ImageDraw, found: Assessment, scale: float) -> None:
    """Mark what gives an unusual score; `scale` is the size of a pixel of the map in the picture."""
    name = unusual_map(found)
    if name == "lines":
        course = pixels(atlas().fine[found.line.places]) * scale + (HEADER, 0)
        for side in (-1, 1):
            shifted = course + side * ASIDE_MM / PIXEL_MM * scale * _across(course)
            draw.line([(column, row) for row, column in shifted], fill=LINE, width=2)
    elif name is not None:
        place = atlas().pooled[found.peaks[name].place]
        ring(draw, pixels(place[None])[0] * scale + (HEADER, 0), RING_MM / PIXEL_MM * scale, LINE)


def unusual_map(found: Assessment) -> str | None:
    """The map that gives the score of the skull; None if the score is usual."""
    if found.numbers["skull_percentile"] < UNUSUAL:
        return None
    return max(MAPS, key=lambda name: found.scores[name])


def ring(draw: ImageDraw.ImageDraw, middle: NDArray[np.float64], radius: float, colour: tuple[int, int, int]) -> None:
    """Draw a ring around a middle (row, column), its radius in pixels."""
    row, column = middle
    draw.ellipse([column - radius, row - radius, column + radius, row + radius], outline=colour, width=2)


def draw_words(sheet: Image.Image, found: Assessment) -> None:
    """The score, what gives it, and the largest hole."""
    numbers, name = found.numbers, unusual_map(found)
    label(sheet, (10, 6), "Unrolled skull: bright where bone is missing", 18, TEXT)
    words = f"score {numbers['skull_score']:.1f} sd, percentile {numbers['skull_percentile']:.0f} of healthy scans"
    label(sheet, (10, 30), words, 14, QUIET)
    marked = f"a line of {numbers['line_mm']:.0f} mm (orange: its sides)" if name == "lines" else WORDS.get(name or "")
    hole = f", largest hole {numbers['hole_mm']:.0f} mm{': surgery or a defect' if found.defect else ''}"
    words = (f"unusual: {marked}" if marked else "nothing unusual") + hole
    label(sheet, (10, 48), words, 14, WARNING if found.defect else QUIET)


def _across(course: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (n, 2) across a course of rows and columns (n, 2)."""
    if len(course) < 2:
        return np.zeros_like(course)
    along = np.gradient(course, axis=0)
    length = np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    return np.asarray(along[:, ::-1] * (-1, 1) / length)
