"""The DICOM objects of a result: parametric map, segmentation, report and capture, in the study of the source.

They are written into the folder `dicom` of a set of results, atomically with the rest of it. There is no segmentation
if nothing exceeds a threshold, or if no threshold is known. The package highdicom is imported only
here and in the modules that make the objects, so that everything else runs without it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ...anomaly.scores import above_threshold, score_name
from .capture import capture
from .identity import UNCONFIRMED, identity_of
from .parametric_map import parametric_map
from .report import Scored, report
from .segmentation import segmentation
from .source import on_slices, read_source

FOLDER = "dicom"
"""Folder of the objects in a set of results."""

FACTS = ("scores", "score_details", "map", "findings", "settings")
"""Parts of a result that are the same for the same input."""


def dicom_files(
    path: str | Path,
    series_uid: str | None,
    heatmap: NDArray[np.float32],
    regions: NDArray[np.uint8],
    result: Mapping[str, Any],
    picture: bytes,
) -> dict[str, Callable[[Path], None]]:
    """The objects of a result by file name, each a function that writes it to a path.

    Args:
        path: of the input.
        series_uid: the series that was named, if any.
        heatmap: (I, J, K), on the scan's own grid.
        regions: labels (I, J, K).
        result: the content of `result.json`, with `settings` and `weights_sha256`.
        picture: the overview, a PNG.

    Raises:
        InputRefused: `path` does not hold the images any more.
        ValueError: the images are not those of the heatmap.
    """
    source = read_source(path, series_uid)
    expected = (source.first.Columns, source.first.Rows, source.grid.count)
    if heatmap.shape != expected:
        raise ValueError(f"the heatmap {heatmap.shape} does not lie on the images {expected}: they were changed")
    facts = {name: result[name] for name in FACTS}
    version = result["versions"]["bundle"]
    mark = UNCONFIRMED if result["quality"]["verdict"] == "unconfirmed" else ""
    identity = identity_of(source, (heatmap, regions), facts, result["weights_sha256"], version, mark)
    values, labels = on_slices(heatmap, source.grid), on_slices(regions, source.grid, labels=True)
    details, score = result["score_details"], score_name(result["map"], result["settings"]["score"])
    masks = above_threshold(values, labels, details, score)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about values of the source that are copied as they are
        made = {"parametric_map": parametric_map(source, identity, values, result["map"], top_of(details, values), 0)}
        segments = segmentation(source, identity, masks, details, 1) if masks else None
        if segments is not None:
            made["segmentation"] = segments
        made["report"] = report(Scored(source, identity, result, values, labels), segments, masks, 2)
        made["capture"] = capture(source, identity, picture, 3)
    return {f"{FOLDER}/{name}.dcm": writer(data) for name, data in made.items()}


def top_of(details: Mapping[str, Mapping[str, Any]], values: NDArray[np.float32]) -> float:
    """The value that viewers show brightest: twice the highest threshold, else the map's maximum; never 0."""
    known = [float(numbers["threshold"]) for numbers in details.values() if numbers.get("threshold") is not None]
    return 2 * max(known) if known else float(values.max()) or 1.0


def writer(data: Dataset) -> Callable[[Path], None]:
    """A function that writes a data set to a path as a DICOM file."""

    def write(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data.save_as(path, enforce_file_format=True)

    return write
