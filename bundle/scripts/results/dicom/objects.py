"""The DICOM objects of a result, in the study of the source: map, segments, report, document, overview, and slices.

They are written into the folder `dicom` of a set of results, atomically with the rest of it. There is no segmentation
where nothing is marked, and no document without a PDF report. Where a gantry was tilted or slices are uneven, map and
segments are on an even grid, too (see `frames`). The package highdicom is imported only here and in the modules that
make the objects, so that everything else runs without it.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from ..maps import map_grid
from .capture import capture
from .document import document
from .frames import OnGrid, OnSource
from .identity import UNCONFIRMED, Identity, identity_of, parameters_of
from .parametric_map import parametric_map
from .places import Place, Scanned, marked_places, times_threshold
from .report import report
from .scored import Scored
from .segmentation import segmentation
from .slices import slices
from .source import Source, on_slices, read_source

FOLDER = "dicom"
"""Folder of the objects in a set of results."""

FACTS = ("scores", "score_details", "map", "detections", "findings", "settings", "summary", "calibration_sha256")
"""Parts of a result that are the same for the same input."""

OVERVIEW, PDF = "overview.png", "report.pdf"
"""The files of a result that become objects."""


def dicom_files(
    path: str | Path, series_uid: str | None, scanned: Scanned, result: Mapping[str, Any], files: Mapping[str, Any]
) -> dict[str, Callable[[Path], None]]:
    """The objects of a result by file name, each a function that writes it to a path.

    Args:
        path: of the input.
        series_uid: the series that was named, if any.
        scanned: the map and what goes with it, on the scan's own grid.
        result: the content of `result.json`, with `settings`, `weights_sha256` and `calibration_sha256`, of the
            thresholds' file, empty without one.
        files: of the result: `OVERVIEW`, and `PDF` if there is one, as bytes.

    Raises:
        InputRefused: `path` does not hold the images any more.
        ValueError: the images are not those of the heatmap.
    """
    source = read_source(path, series_uid)
    expected = (source.first.Columns, source.first.Rows, source.grid.count)
    shape = scanned.heatmap.shape
    if shape != expected:
        raise ValueError(f"the heatmap {shape} does not lie on the images {expected}: they were changed")
    identity = identity_for(source, scanned, result, files)
    places, numbers = marked_places(scanned, result)
    times, threshold = times_threshold(scanned)
    top = float(scanned.heatmap.max(initial=0)) or 1.0
    grid = map_grid((shape[0], shape[1], shape[2]), scanned.affine, [found["code"] for found in result["findings"]])
    frames: list[OnSource | OnGrid] = [OnSource(source)]
    if grid.kind == "resampled":
        frames.append(OnGrid(grid, scanned.affine))
    scored = on_source(source, identity, scanned, result, places, numbers)
    made: dict[str, Dataset | None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about values of the source that are copied as they are
        for at, frame in enumerate(frames):
            map_name, segments = f"parametric_map{frame.name}", f"segmentation{frame.name}"
            number = 10 * at
            made[map_name] = parametric_map(source, identity, frame, times, result["map"], threshold, top, number)
            made[segments] = segmentation(source, identity, frame, places, numbers, number + 1)
        made["report"] = report(scored, 2)
        made["capture"] = capture(source, identity, files[OVERVIEW], 3)
        if PDF in files:
            made["document"] = document(source, identity, files[PDF], 4)
    makers: dict[str, Callable[[], Dataset]] = {
        name: partial(given, data) for name, data in made.items() if data is not None
    }
    hu = on_slices(scanned.hu, source.grid)
    makers |= dict(slices(scored, hu, on_slices(times, source.grid), threshold is not None, 5))
    return {f"{FOLDER}/{name}.dcm": writer(maker) for name, maker in makers.items()}


def on_source(
    source: Source,
    identity: Identity,
    scanned: Scanned,
    result: Mapping[str, Any],
    places: Sequence[Place],
    numbers: NDArray[np.uint8],
) -> Scored:
    """The result on the source slices, without the places of regions that are marked between these alone."""
    there = on_slices(numbers, source.grid, labels=True)
    return Scored(
        source,
        identity,
        result,
        on_slices(scanned.heatmap, source.grid),
        on_slices(scanned.regions, source.grid, labels=True),
        [place for place in places if place.row is not None or (there == place.number).any()],
        there,
    )


def identity_for(source: Source, scanned: Scanned, result: Mapping[str, Any], files: Mapping[str, Any]) -> Identity:
    """The identity of a result: of all that goes into its objects."""
    used = {name: hashlib.sha256(files[name]).hexdigest() for name in (OVERVIEW, PDF) if name in files}
    verdict = result["quality"]["verdict"]
    facts = {name: result[name] for name in FACTS} | used | {"limits": dict(scanned.limits), "verdict": verdict}
    facts["copied"] = hashlib.sha256(copied(source)).hexdigest()
    mark = UNCONFIRMED if verdict == "unconfirmed" else ""
    volumes: list[NDArray[Any]] = [scanned.hu, scanned.heatmap, scanned.regions]
    if scanned.detections is not None:
        volumes.append(scanned.detections)
    found = identity_of(source, volumes, facts, result["weights_sha256"], result["versions"]["bundle"], mark)
    return replace(found, parameters=parameters_of(result))


def copied(source: Source) -> bytes:
    """All that objects copy of patient, study and scanner: a small capture, encoded, of no result."""
    small = io.BytesIO()
    Image.new("RGB", (16, 16)).save(small, "PNG")  # of one pixel, GDCM makes no RLE: it ends the process
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about values of the source that are copied as they are
        data = capture(source, Identity("", "0", "0"), small.getvalue(), 0)
        del data.PixelData
        write_dataset(stream, data)
    return stream.getvalue()


def given(data: Dataset) -> Dataset:
    """A data set that is made already."""
    return data


def writer(maker: Callable[[], Dataset]) -> Callable[[Path], None]:
    """A function that writes what a `maker` makes to a path as a DICOM file."""

    def write(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about values of the source that are copied as they are
            maker().save_as(path, enforce_file_format=True)

    return write
