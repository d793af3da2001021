"""The picture of two scans: both show the same place, and the difference has the colour of its sign."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from scripts.results.before_after import GAP, HEADER, LINE, SIDE, TITLES, Side, before_after, tinted

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])
AFFINE[:3, 3] = -126


def picture(**more: object) -> np.ndarray:
    hu = np.full((64, 64, 64), 40, np.int16)
    heat = np.zeros(hu.shape, np.float32)
    difference = np.zeros(hu.shape, np.float32)
    difference[20:30, 25:35, 30:40], difference[36:46, 25:35, 30:40] = 3.0, -3.0  # left of the patient, and right
    side = Side(hu, heat, AFFINE)
    asked = {"threshold": 2.5, "limit": 1.0, "sentences": ["New: a bleed."], **more}
    made = before_after(side, side, difference, AFFINE, np.array([0.0, -8.0, 16.0]), **asked)  # type: ignore[arg-type]
    return np.asarray(Image.open(io.BytesIO(made))).astype(int)


def test_what_is_higher_on_the_patient_s_left_is_red_on_the_image_s_right() -> None:
    pixels = picture()
    top = HEADER + LINE + 8 + TITLES
    panel = pixels[top : top + SIDE, 2 * (SIDE + GAP) : 2 * (SIDE + GAP) + SIDE]
    red, blue = (panel[..., one] - panel[..., other] > 60 for one, other in ((0, 2), (2, 0)))
    assert red.sum() > 500
    assert blue.sum() > 500
    assert np.argwhere(red)[:, 1].mean() > SIDE / 2 > np.argwhere(blue)[:, 1].mean()
    scan = pixels[top : top + SIDE, :SIDE]
    assert (np.ptp(scan[60:-60, 60:120], axis=-1) == 0).all()  # grey


def test_more_sentences_need_more_room_and_the_same_input_gives_the_same_picture() -> None:
    none = picture(sentences=[])
    assert picture(sentences=["a", "b"]).shape[0] - none.shape[0] == 2 * LINE
    np.testing.assert_array_equal(picture(sentences=[]), none)
    assert picture(sentences=[], limit=None, threshold=None).shape == none.shape


def test_small_differences_are_not_tinted() -> None:
    grey = np.full((1, 4, 3), 100, np.uint8)
    level = np.array([[0.2, -0.2, 1.0, -3.0]])
    shown = tinted(grey, level)
    assert (shown[0, :2] == 100).all()
    assert shown[0, 2, 0] > shown[0, 2, 2]
    assert shown[0, 3, 2] > shown[0, 3, 0]
