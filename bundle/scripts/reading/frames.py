"""Frames of an enhanced CT file: the attributes of each, as a single-frame file has them.

An *enhanced* file holds many frames. What varies from frame to frame stands in *functional groups*, sequences of one
item, of which each frame has its own; others are shared by all frames (DICOM PS3.3 A.38, C.7.6.16).
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator

from pydicom.dataset import Dataset

SHARED, FRAMES = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
"""Attributes of the file in which the groups are."""

FRAME_GROUPS: dict[str, tuple[str, ...]] = {
    "CTImageFrameTypeSequence": ("FrameType",),
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    "CTReconstructionSequence": ("ConvolutionKernel",),
    "ContrastBolusUsageSequence": ("ContrastBolusAgentAdministered",),
}
"""Sequences in which an enhanced file has attributes that a single-frame file has at its top level."""

UNASSIGNED = ("UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence")
"""Functional groups in which a converter leaves what has no place in an enhanced file (PS3.3 C.7.6.16.2.25)."""


def frames_of(data: Dataset, keywords: Collection[str]) -> Iterator[tuple[Dataset, Dataset]]:
    """For each frame the attributes of the file, and those that may vary between frames, each at one level.

    Args:
        data: the attributes of the file; one without `FRAMES` has no frame.
        keywords: attributes that are taken from what a converter left unassigned.
    """
    shared = (data.get(SHARED) or [Dataset()])[0]
    for frame in data.get(FRAMES) or ():
        left = _unassigned(shared, frame, keywords)
        yield _with_unassigned(data, left), _frame_values(shared, frame, data, left)


def _unassigned(shared: Dataset, frame: Dataset, keywords: Collection[str]) -> Dataset:
    """The attributes of one frame that its converter assigned to no place; its own ones before the shared ones."""
    left = Dataset()
    for group, name in itertools.product((shared, frame), UNASSIGNED):
        for item in group.get(name) or ():
            left.update({element.tag: element for element in item if element.keyword in keywords})
    return left


def _with_unassigned(data: Dataset, left: Dataset) -> Dataset:
    """The attributes of the file, and those that only `left` has."""
    if not left:
        return data
    joined = Dataset()
    joined.file_meta = data.file_meta
    joined.update({element.tag: element for element in left})
    joined.update({element.tag: element for element in data if not element.is_empty and element.VR != "SQ"})
    return joined


def _frame_values(shared: Dataset, frame: Dataset, data: Dataset, left: Dataset) -> Dataset:
    """The attributes of one frame at one level: its own functional groups, else the shared ones, else `left`."""
    values = Dataset()
    values.update({element.tag: element for element in left})
    for group, names in FRAME_GROUPS.items():
        sequence = frame.get(group) or shared.get(group)
        for name in names:
            if sequence and name in sequence[0]:
                values[name] = sequence[0][name]
    for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        if name in data:
            values[name] = data[name]
    return values
