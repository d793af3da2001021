"""The anomaly map as a DICOM Parametric Map: float32 values on the source slices, each frame with its source image."""

from __future__ import annotations

from typing import Any

import numpy as np
from highdicom import VOILUTTransformation
from highdicom.enum import VOILUTFunctionValues
from highdicom.pm import ParametricMap, RealWorldValueMapping
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from .codes import ANOMALY, UNITS, schemes
from .identity import Identity, body_part, finish
from .source import Source

NAME = "parametric_map"


def parametric_map(
    source: Source, identity: Identity, values: NDArray[np.float32], kind: str, top: float, number: int
) -> Dataset:
    """The map `values` (S, rows, columns) of a kind ("calibrated", "error"); viewers show 0 to `top` at first."""
    shared: dict[str, Any] = identity.object(NAME, number, "Anomaly map")
    mapping = RealWorldValueMapping(
        lut_label="ANOMALY",
        lut_explanation=f"Anomaly map in {UNITS[kind].meaning}",
        unit=UNITS[kind],
        value_range=(0.0, float(max(values.max(), top))),
        slope=1.0,
        intercept=0.0,
        quantity_definition=ANOMALY,
    )
    window = VOILUTTransformation(
        window_center=top / 2, window_width=top, voi_lut_function=VOILUTFunctionValues.LINEAR_EXACT
    )
    data = ParametricMap(
        source_images=source.images,
        pixel_array=values,
        contains_recognizable_visual_features=True,
        real_world_value_mappings=[mapping],
        voi_lut_transformations=[window],
        content_label="ANOMALY",
        content_description=identity.statement,
        coding_schemes=schemes(),
        **shared,
    )
    data.BodyPartExamined = body_part(source.first)
    return finish(data, source, identity, NAME)
