"""The anomaly map as a DICOM Parametric Map, stored so that viewers show what is unusual and nothing else.

OHIF colours every map from 0 to 1 (`rainbow_2`, clear at 0), whatever the object says of its values. So what is stored
is s = max(0, r - 1/2) / 2, r being the map in multiples of the threshold of its region: below half of the threshold,
and outside the head, it is exactly 0, at the threshold 0.25, and 1 at 2.5 times the threshold. The real world value
mappings give r = 2 s + 1/2 and the score of the brain back; they hold for stored values above 0.

dcmqi, with which 3D Slicer reads maps, takes 32-bit floating point values only, in frames that are sorted along the
slice normal, and stops at a map without frame anatomy. OHIF copies frames to the slices of its volume in their order,
so a map on the source slices has every row, column and slice of the source: it is written deflated, since almost all
of it is 0. A map on an even grid is cut to what is not 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.enum import VOILUTFunctionValues
from highdicom.pm import ParametricMap, RealWorldValueMapping
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from .codes import EXCESS, HEAD, SCORES, TIMES, TITLES, UNITS, schemes
from .frames import OnGrid, OnSource
from .identity import Identity, body_part, finish
from .source import Source

NAME = "parametric_map"

LEAST, TOP = 0.5, 2.5
"""Multiples of the threshold that are stored as 0 and 1."""

STEP = 1 / 1024
"""Stored values are multiples of it, which makes them small."""


def stored(times: NDArray[np.float32], known: bool) -> NDArray[np.float32]:
    """Stored values of a map in multiples of its threshold, or, where that is not `known`, of its maximum."""
    values = np.maximum(times - np.float32(LEAST), 0) / np.float32(TOP - LEAST) if known else times
    return np.asarray(np.rint(values / np.float32(STEP)) * np.float32(STEP), dtype=np.float32)


def mappings(kind: str, last: float, threshold: float | None, top: float) -> list[RealWorldValueMapping]:
    """Meanings of stored values to `last`: the score of the brain, and multiples of the threshold if it is known."""
    slope, intercept = (TOP - LEAST, LEAST) if threshold else (1.0, 0.0)
    scale = threshold or top
    told = {"value_range": (STEP, max(last, 2 * STEP))}
    score = RealWorldValueMapping(
        lut_label="SCORE",
        lut_explanation="Score of the brain. That of the skull is scaled to its threshold",
        unit=UNITS[kind],
        slope=slope * scale,
        intercept=intercept * scale,
        quantity_definition=SCORES[kind],
        **told,
    )
    times = RealWorldValueMapping(
        lut_label="TIMES THRESHOLD",
        lut_explanation="Score in multiples of the threshold of its region",
        unit=TIMES,
        slope=slope,
        intercept=intercept,
        quantity_definition=EXCESS,
        **told,
    )
    return [score, times] if threshold else [score]


def sort_frames(data: Dataset) -> None:
    """Sort the frames of a map along the slice normal, in place; highdicom has them the other way round."""
    frames = data.PerFrameFunctionalGroupsSequence
    across, down = np.split(
        np.array(data.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient, float), 2
    )
    positions = np.array([frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames], dtype=float)
    order = np.argsort(positions @ np.cross(across, down))
    values = np.frombuffer(data.FloatPixelData, "<f4").reshape(len(frames), -1)
    data.FloatPixelData = values[order].tobytes()
    data.PerFrameFunctionalGroupsSequence = [frames[int(at)] for at in order]
    for number, frame in enumerate(data.PerFrameFunctionalGroupsSequence, 1):
        *others, _ = np.atleast_1d(frame.FrameContentSequence[0].DimensionIndexValues)
        frame.FrameContentSequence[0].DimensionIndexValues = [*(int(value) for value in others), number]


def parametric_map(
    source: Source,
    identity: Identity,
    place: OnSource | OnGrid,
    times: NDArray[np.float32],
    kind: str,
    threshold: float | None,
    top: float,
    number: int,
) -> Dataset:
    """The map of a kind ("calibrated", "error") on the frames of a place.

    `times` (I, J, K) is the map in multiples of the threshold of each region, see `places.times_threshold`, `threshold`
    that of the brain, None if it is not known; then the map is in multiples of its maximum `top`.
    """
    values = stored(place.values(times), threshold is not None)
    if isinstance(place, OnGrid):
        place = place.around(values)
        values = stored(place.values(times), threshold is not None)
    name = NAME + place.name
    shared: dict[str, Any] = identity.object(name, number, place.title + TITLES[kind])
    window = VOILUTTransformation(
        window_center=0.5, window_width=1.0, voi_lut_function=VOILUTFunctionValues.LINEAR_EXACT
    )
    data = ParametricMap(
        source_images=source.images,
        pixel_array=values,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=mappings(kind, float(values.max()), threshold, top),
        voi_lut_transformations=[window],
        content_label="ANOMALY",
        content_description=identity.statement,
        coding_schemes=schemes(),
        **place.geometry(),
        **shared,
    )
    sort_frames(data)
    anatomy = Dataset()
    anatomy.FrameLaterality, anatomy.AnatomicRegionSequence = "U", [HEAD]
    data.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [anatomy]
    data.BodyPartExamined = body_part(source.first)
    data.ContentCreatorName, data.DerivationDescription = "", identity.derivation
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return finish(data, source, identity, name)
