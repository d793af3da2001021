"""Texts are broken or shortened between words, as wide as they may be."""

from __future__ import annotations

import numpy as np
from PIL import Image

from scripts.results.drawing import TEXT, fitted, label, width_of, wrapped


def test_long_texts_are_wrapped_between_words() -> None:
    lines = wrapped("one two three four five six seven", 80, 14)
    assert " ".join(lines) == "one two three four five six seven"
    assert len(lines) > 2
    assert max(width_of(line, 14) for line in lines) <= 80
    assert wrapped("unbreakable" * 20, 80, 14) == ["unbreakable" * 20]


def test_a_text_that_does_not_fit_loses_its_last_words() -> None:
    assert fitted("one two three", 200, 14) == "one two three"
    short = fitted("one two three four five six seven", 100, 14)
    assert short.startswith("one two")
    assert short.endswith(" …")
    assert width_of(short, 14) <= 100


def test_a_label_can_be_read_on_white() -> None:
    sheet = Image.new("RGB", (60, 30), (255, 255, 255))
    label(sheet, (5, 5), "A", 18, TEXT)
    shown = np.asarray(sheet).reshape(-1, 3)
    assert (shown == 0).all(axis=1).any(), "its border is black"
    assert (shown == TEXT).all(axis=1).any()
