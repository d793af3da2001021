"""The overview picture as a DICOM Secondary Capture, for viewers that show nothing else. Its text is burned in."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from highdicom.sc import SCImage
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from .identity import LOSSY, Identity, body_part, burned_in, finish
from .source import Source

NAME = "capture"


def capture(source: Source, identity: Identity, picture: bytes, number: int) -> Dataset:
    """The PNG `picture`, pixel for pixel; the patient's right is on its left."""
    shared: dict[str, Any] = identity.object(NAME, number, "Overview")
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
    data = SCImage.from_ref_dataset(
        ref_dataset=source.first,
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        transfer_syntax_uid=RLELossless,
        **shared,
    )
    data.PatientOrientation = []  # planes of three directions
    data.BodyPartExamined = body_part(source.first)
    data.ImageComments, data.DerivationDescription = identity.statement, identity.derivation
    describe(data, source, source.first)
    return finish(data, source, identity, NAME)


def describe(data: SCImage, source: Source, image: Dataset) -> None:
    """Give a capture what the source tells of patient and study, and one image of burned-in text and lossy compression.

    What was compressed with loss once stays marked (PS3.3 C.7.6.1.1.5).
    """
    data.copy_patient_and_study_information(source.first)
    data.BurnedInAnnotation = burned_in(image)
    if image.get("LossyImageCompression") == "01":
        for name in LOSSY:
            if name in image:
                data[name] = image[name]
