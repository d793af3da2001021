"""Whether a figure shows something: its pixels, as they are written."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def pixels(content: bytes) -> Any:
    """The red, green and blue of a PNG (rows, columns, 3)."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def is_drawn(figure: Any) -> bool:
    """Whether a figure's picture is large, and has more than a background and a few letters."""
    from reproduction.figures.style import png

    found = pixels(png(figure))
    background = np.all(found == found[0, 0], axis=2).mean()
    return min(found.shape[:2]) > 200 and 1 - background > 0.02
