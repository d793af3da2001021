"""Text and colours of the pictures."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageDraw, ImageFont

BACKGROUND, TEXT, QUIET, WARNING = (14, 16, 20), (235, 238, 242), (150, 156, 166), (255, 190, 80)
"""Colours of a sheet: its ground, its text, facts beside, and warnings."""


def label(image: Image.Image, place: tuple[int, int], text: str, size: int, colour: Any, anchor: str = "la") -> None:
    """Draw a piece of text that can be read on any ground."""
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text(place, text, colour, font, anchor, stroke_width=2, stroke_fill=(0, 0, 0))


def width_of(text: str, size: int) -> float:
    """Width of a text in pixels."""
    return float(ImageFont.load_default(size).getlength(text))


def wrapped(text: str, width: int, size: int) -> list[str]:
    """A text broken at spaces into lines of at most `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def fitted(text: str, width: int, size: int) -> str:
    """A text that is at most `width` pixels wide: words at its end are left out, with an ellipsis in their place."""
    if width_of(text, size) <= width:
        return text
    words = text.split()
    while len(words) > 1 and width_of(" ".join(words) + " …", size) > width:
        words.pop()
    return " ".join(words) + " …"
