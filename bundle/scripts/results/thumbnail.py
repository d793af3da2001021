"""A small picture of a result: the first panel of its overview, the plane through the most unusual place."""

from __future__ import annotations

import io

from PIL import Image

from .header import HEADER
from .panels import PANEL, TITLES

SIDE = 120
"""Side of a thumbnail in pixels."""

QUALITY = 80
"""Of JPEG: 3 kB a picture."""


def thumbnail(overview: bytes) -> bytes:
    """The thumbnail, a JPEG of `SIDE` pixels a side, from the PNG of an overview.

    Raises:
        ValueError: it is no PNG, or too small to be an overview.
    """
    try:
        with Image.open(io.BytesIO(overview), formats=["PNG"]) as sheet:
            width, height = sheet.size
            if width < PANEL or height < HEADER + TITLES + PANEL:
                raise ValueError(f"an overview is larger than {width} x {height} pixels")
            panel = sheet.crop((0, HEADER + TITLES, PANEL, HEADER + TITLES + PANEL)).convert("RGB")
    except OSError as error:
        raise ValueError(f"this is no PNG: {type(error).__name__}") from error
    stream = io.BytesIO()
    panel.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()
