"""The capture is the picture, pixel for pixel."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("highdicom")

from dicom_results import make
from PIL import Image


def test_the_pixels_are_those_of_the_picture(tmp_path: Path) -> None:
    made = make(tmp_path)
    data = made.read("capture")
    np.testing.assert_array_equal(data.pixel_array, np.asarray(Image.open(io.BytesIO(made.picture))))
    assert not np.array_equal(data.pixel_array, data.pixel_array[:, ::-1]), "its sides can be told apart"
    assert data.PhotometricInterpretation == "RGB"
    assert data.BurnedInAnnotation == "NO", "its text tells no patient"
    assert "research" in data.ImageComments
