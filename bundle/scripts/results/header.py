"""The words of the overview: scores, healthy scores, marks and flags above the panels, and the footer below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image

from ..preprocessing.regions import WHOLE_COVERAGE
from .drawing import QUIET, TEXT, WARNING, fitted, label, wrapped
from .marks import SHOWN, Mark
from .overlay import OUTLINES
from .panels import GAP, PANEL
from .strip import Healthy, draw_strip

HEADER, FOOTER = 156, 30
"""Heights of the header and the footer in pixels."""

FLAG_LINES = 2
"""Lines of text that the flags have room for."""

TITLE, UNCONFIRMED = "Head CT position anomaly", "POSE UNCONFIRMED, research only"
"""Title of the picture, and of one whose pose a user forced."""

NOTHING = "no place above the threshold"
"""The line below the title where there is no mark."""

NOTE = "Patient's right is on the image's left. Slices count from 1. Research use only: not a medical device."


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
    """Draw scores in two lines of words, and flags."""
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
        label(sheet, (10, HEADER - 42 + 20 * line), piece, 14, WARNING if flags else QUIET)


def draw_strips(sheet: Image.Image, scores: Mapping[str, float | None], healthy: Mapping[str, Healthy]) -> None:
    """Draw below the words of each score where it stands among healthy ones."""
    for place, (name, score) in enumerate(scores.items(), 1):
        if name in healthy and healthy[name].scores:
            draw_strip(sheet, (place * (PANEL + GAP), 54), PANEL - 60, healthy[name], score)


def draw_marks(sheet: Image.Image, marks: Sequence[Mark]) -> None:
    """Draw below the title how many marks there are, and the first ones in words."""
    count = len(marks)
    words = f"{count} {'place' if count == 1 else 'places'} above the threshold" if count else NOTHING
    label(sheet, (10, 38), words, 14, WARNING if count else QUIET)
    for line, mark in enumerate(marks[:SHOWN]):
        label(sheet, (10, 57 + 17 * line), fitted(f"{mark.number}: {mark.words}", PANEL - 20, 13), 13, WARNING)


def draw_footer(sheet: Image.Image, outlines: bool) -> None:
    """Draw the footer: the facts needed to read the picture, and the names of the outlines."""
    label(sheet, (10, sheet.height - 22), NOTE, 14, QUIET)
    for place, (name, colour) in enumerate(OUTLINES.values() if outlines else ()):
        label(sheet, (3 * (PANEL + GAP) + place * 150, sheet.height - 22), name, 14, colour)
