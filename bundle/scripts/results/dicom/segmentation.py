"""Regions above their thresholds as a DICOM Segmentation: one segment a region, with its anatomy and laterality.

The masks are those of `scores.above_threshold`: where the anomaly map exceeds the threshold of its region.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from .codes import ABNORMAL, AI, SITES
from .identity import MODEL, Identity, body_part, finish
from .source import Source

NAME = "segmentation"


def segmentation(
    source: Source,
    identity: Identity,
    masks: Mapping[str, NDArray[np.bool_]],
    details: Mapping[str, Mapping[str, Any]],
    number: int,
) -> Dataset:
    """The masks (S, rows, columns) of the regions, at least one, as segments 1, 2, … in their order."""
    shared: dict[str, Any] = identity.object(NAME, number, "Above threshold")
    descriptions = [
        segment(place, region, float(details[region]["threshold"]), identity) for place, region in enumerate(masks, 1)
    ]
    data = Segmentation(
        source_images=source.images,
        pixel_array=np.stack(list(masks.values()), axis=-1).astype(np.uint8),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        content_label="ANOMALY",
        content_description=identity.statement,
        **shared,
    )
    data.BodyPartExamined = body_part(source.first)
    return finish(data, source, identity, NAME)


def segment(place: int, region: str, threshold: float, identity: Identity) -> SegmentDescription:
    """The description of segment `place`."""
    site, side = SITES[region]
    algorithm = AlgorithmIdentificationSequence(
        name=MODEL, family=AI, version=identity.version, parameters={"threshold": f"{threshold:.6g}"}
    )
    description = SegmentDescription(
        segment_number=place,
        segment_label=region.replace("_", " ").capitalize(),
        segmented_property_category=ABNORMAL,
        segmented_property_type=ABNORMAL,
        algorithm_type="AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=identity.uid("tracking", region),
        tracking_id=region,
        anatomic_regions=[deepcopy(site)],  # it is given a modifier, and the code is shared
    )
    if side is not None:
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [side]
    return description
