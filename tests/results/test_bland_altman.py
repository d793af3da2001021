"""The picture of pairs: a point where its mean and difference put it, marked ones in another colour."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from scripts.results.bland_altman import HEADER, HEIGHT, WIDTH, Pairs, bland_altman
from scripts.results.drawing import WARNING


def drawn(*panels: Pairs) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(bland_altman(panels, "title"))))


def places(pixels: np.ndarray) -> np.ndarray:
    return np.argwhere((pixels == WARNING).all(axis=-1)).mean(axis=0)


def test_points_lie_by_mean_and_difference() -> None:
    up = drawn(Pairs("a", [1.0, 4.0], [1.0, 5.0], 0.5, (-1.0, 2.0), frozenset({1})))
    down = drawn(Pairs("a", [1.0, 5.0], [1.0, 4.0], -0.5, (-2.0, 1.0), frozenset({1})))
    left = drawn(Pairs("a", [0.5, 4.0], [0.5, 5.0], 0.5, (-1.0, 2.0), frozenset({0})))
    assert up.shape == (HEADER + HEIGHT, WIDTH, 3)
    assert places(up)[0] < places(left)[0] < places(down)[0]
    assert places(left)[1] < places(up)[1]


def test_panels_stand_side_by_side_and_may_be_empty() -> None:
    empty = Pairs("none", [], [], None, None)
    assert drawn(empty, Pairs("one", [1.0], [1.0], None, None)).shape[1] == 2 * WIDTH
    with pytest.raises(ValueError, match="needs a panel"):
        bland_altman([], "title")
