"""The marked slices as Secondary Capture images, one a source slice, for viewers that show neither maps nor segments.

Each lies where its source slice does and refers to it, so viewers scroll both together. They are compressed without
loss (JPEG 2000, whose colour transform makes grey cheap); the text is burned in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from highdicom.sc import SCImage
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless
from pydicom.valuerep import DS

from ...statistics.alpha import ALPHA
from ...words import counted
from .capture import describe
from .codes import TITLES
from .document import reference
from .identity import Identity, body_part, finish
from .marked_slices import marked_slice
from .place_groups import drawn
from .report_words import by_excess, excess, number, region_name
from .scored import Scored

NAME = "slice"

BESIDE = 3
"""Pixels between a place and its number."""

Spot = tuple[float, float]


def slices(
    scored: Scored, hu: NDArray[Any], times: NDArray[np.float32], known: bool, series_number: int
) -> Iterator[tuple[str, Callable[[], Dataset]]]:
    """Name and maker of each marked slice, from the first source slice on.

    `hu` and `times`, the map in multiples of its threshold if that is `known`, are (S, rows, columns).
    """
    words, names = list(lines(scored)), numbers_beside(scored)
    title = f"Marked slices, {counted(len(scored.places), 'anomaly', 'anomalies')}"

    def made(at: int) -> Dataset:
        caution = f"{scored.identity.statement}."
        pixels = marked_slice(hu[at], times[at], known, words, caution, names.get(at, ()))
        return secondary_capture(scored, scored.source.images[at], pixels, at + 1, title, series_number)

    for at in range(len(scored.source.images)):
        yield f"{NAME}_{at + 1:03d}", partial(made, at)


def numbers_beside(scored: Scored) -> dict[int, list[tuple[Spot, str]]]:
    """By slice, where the numbers of its places stand (column, row), and the numbers."""
    found: dict[int, list[tuple[Spot, str]]] = {}
    for place in scored.places:
        mask = scored.numbers == place.number
        shown = np.flatnonzero(mask.any(axis=(1, 2)))
        if not len(shown):
            at, line = drawn(scored, place)
            found.setdefault(at, []).append(((line[:, 0].max() + BESIDE, line[:, 1].min()), str(place.number)))
        for at in map(int, shown):
            rows, columns = np.nonzero(mask[at])
            found.setdefault(at, []).append(((columns.max() + BESIDE, rows.min()), str(place.number)))
    return found


def lines(scored: Scored) -> Iterator[str]:
    """The lines at the top: the map and what is marked, then the score of each region."""
    result: Mapping[str, Any] = scored.result
    alpha = result["settings"].get("alpha", ALPHA)
    of = "" if alpha == ALPHA else f" (alpha {alpha:g})"
    yield f"{TITLES[result['map']]}: {counted(len(scored.places), 'anomaly', 'anomalies')} above the threshold{of}"
    for region in by_excess(result):
        score, limit = result["scores"].get(region), result["score_details"].get(region, {}).get("threshold")
        told = (
            "no score" if score is None else number(score) + ("" if limit is None else f" (threshold {number(limit)})")
        )
        yield f"{region_name(region)} {told}{' above' if excess(result, region) > 1 else ''}"


def secondary_capture(
    scored: Scored, image: Dataset, pixels: NDArray[np.uint8], instance: int, title: str, series_number: int
) -> Dataset:
    """The object of one slice, at the place of its source image."""
    identity: Identity = scored.identity
    shared: dict[str, Any] = identity.object(NAME, series_number, title, instance)
    data = SCImage.from_ref_dataset(
        ref_dataset=scored.source.first,
        pixel_array=pixels,
        photometric_interpretation="YBR_RCT",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        transfer_syntax_uid=JPEG2000Lossless,
        **shared,
    )
    data.PatientOrientation = []  # it follows from the orientation below
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = image.FrameOfReferenceUID, ""
    data.ImagePositionPatient = [DS(float(value), auto_format=True) for value in image.ImagePositionPatient]
    data.ImageOrientationPatient = [DS(float(value), auto_format=True) for value in image.ImageOrientationPatient]
    data.PixelSpacing = [DS(value, auto_format=True) for value in image.PixelSpacing]
    data.SliceThickness = image.get("SliceThickness")
    data.SourceImageSequence = [reference(image)]
    data.ImageType = ["DERIVED", "SECONDARY"]
    data.BodyPartExamined = body_part(image)
    data.ImageComments, data.DerivationDescription = identity.statement, identity.derivation
    describe(data, scored.source, image)
    return finish(data, scored.source, identity, NAME)
