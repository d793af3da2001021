"""The marked places as a DICOM Segmentation: one segment a place, with its anatomy, side and colour."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ...words import counted
from .codes import ABNORMAL, AI, sites_of
from .frames import OnGrid, OnSource
from .identity import MODEL, Identity, body_part, finish
from .places import Place
from .source import Source

NAME = "segmentation"

COLOURS = ((255, 80, 60), (255, 170, 40), (255, 235, 90), (230, 90, 220), (90, 220, 230), (140, 230, 120))
"""Recommended colours (RGB) of segments 1, 2, …; then they begin again. None is a colour of an organ or of bone."""


def segmentation(
    source: Source,
    identity: Identity,
    frames: OnSource | OnGrid,
    places: Sequence[Place],
    labels: NDArray[np.uint8],
    number: int,
) -> Dataset | None:
    """The places that have voxels in the frames as segments 1, 2, … in their order; None if none has.

    `labels` (I, J, K) hold the number of each voxel's place.
    """
    if isinstance(frames, OnGrid):
        frames = frames.around(frames.values(labels, labels=True))
    numbers = frames.values(labels, labels=True)
    shown = [place for place in places if (numbers == place.number).any()]
    if not shown:
        return None
    name = NAME + frames.name
    title = f"{frames.title}{counted(len(shown), 'anomaly', 'anomalies')}, segmented"
    shared: dict[str, Any] = identity.object(name, number, title)
    data = Segmentation(
        source_images=source.images,
        pixel_array=np.stack([numbers == place.number for place in shown], axis=-1).astype(np.uint8),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[segment(at, place, identity) for at, place in enumerate(shown, 1)],
        content_label="ANOMALY",
        content_description=identity.statement,
        **frames.geometry(),
        **shared,
    )
    data.ContentCreatorName = ""
    data.BodyPartExamined = body_part(source.first)
    return finish(data, source, identity, name)


def segment(at: int, place: Place, identity: Identity) -> SegmentDescription:
    """The description of segment `at` of a place."""
    site, side = sites_of(place.region, place.row)[0]  # DICOM has one here: that with the largest share
    algorithm = AlgorithmIdentificationSequence(MODEL, AI, identity.version, parameters=dict(identity.parameters))
    description = SegmentDescription(
        segment_number=at,
        segment_label=place.label[:64],
        segmented_property_category=ABNORMAL,
        segmented_property_type=ABNORMAL,
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=identity.uid("tracking", str(place.number)),
        tracking_id=place.tracking,
        anatomic_regions=[deepcopy(site)],  # it is given a modifier, and the code is shared
        display_color=CIELabColor.from_rgb(*COLOURS[(at - 1) % len(COLOURS)]),
    )
    if side is not None:
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [side]
    return description
