"""The thumbnail: the first panel of an overview."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from scripts.results.header import HEADER
from scripts.results.panels import PANEL, TITLES
from scripts.results.thumbnail import SIDE, thumbnail


def png(sheet: Image.Image) -> bytes:
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def test_it_is_the_first_panel_of_the_picture_and_nothing_beside() -> None:
    sheet = Image.new("RGB", (2 * PANEL, HEADER + TITLES + 2 * PANEL), (255, 0, 0))
    sheet.paste((0, 0, 255), (0, HEADER + TITLES, PANEL, HEADER + TITLES + PANEL))
    made = thumbnail(png(sheet))
    with Image.open(io.BytesIO(made)) as small:
        assert (small.size, small.format) == ((SIDE, SIDE), "JPEG")
        assert np.abs(np.asarray(small, np.int16) - (0, 0, 255)).max() < 12
    assert thumbnail(png(sheet)) == made, "same picture, same bytes"


@pytest.mark.parametrize(
    ("content", "words"), [(b"GIF89a", "no PNG"), (png(Image.new("RGB", (PANEL, PANEL))), "larger than 400 x 400")]
)
def test_another_picture_is_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        thumbnail(content)
