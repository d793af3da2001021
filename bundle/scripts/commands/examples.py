"""The scans that figures show: which ones, and what the runs of a reproduction have made of them.

They are the first of the test scans that show one thing alone, in the order of the datalist: a haemorrhage on one side
and no fracture, or a fracture and no haemorrhage. Nothing is chosen by how well it was found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from ..cohort_cases import SAFE, UID
from ..figures.error_slices import Slices
from ..figures.skull_surface import Skull
from ..findings import PathMissing
from ..inputs import read_volume
from ..paper_rows import DENSE, NothingToShow, series_of
from ..planes import Array
from ..published_results import AUTOENCODER, FRACTURE, HAEMORRHAGE, POSITION
from ..regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL
from ..reproduction import Reproduction

WINDOWS_HU = {HAEMORRHAGE: (-20.0, 120.0), FRACTURE: (-200.0, 1500.0)}
"""What is shown of a scan: a brain window, or a bone window."""

WHERE = {HAEMORRHAGE: (LEFT_HEMISPHERE, RIGHT_HEMISPHERE), FRACTURE: (SKULL,)}
"""Regions in which the slice is looked for."""

SERIES = (POSITION, DENSE, AUTOENCODER)
"""In the order of the columns."""

Item = Mapping[str, Any]
"""A case of a datalist, as it stands there."""


def listed_tests(datalist: str | Path) -> list[dict[str, Any]]:
    """The test cases of a datalist, their paths made whole.

    Raises:
        PathMissing: it can't be read, or has no test cases with labels.
    """
    path = Path(datalist)
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["test"]
        found = [{**row, "image": str((path.parent / row["image"]).absolute())} for row in rows]
        _ = [(row["labels"]["ICH"], row["labels"]["Fracture"]) for row in found]
        if strange := [row for row in found if not (SAFE.fullmatch(row["case"]) and _uid_or_none(row))]:
            raise ValueError(f"{strange[0]['case'][:100]!r} is no name of a case, or has a series_uid that is none")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PathMissing(
            f'{path} is no datalist of a cohort ({type(error).__name__}: {error}). It needs "test", a list of '
            '{"case", "image", "labels"}; `head-ct-anomaly cq500` makes one.'
        ) from error
    return found


def _uid_or_none(row: Item) -> bool:
    """Whether a case names no series, or one by a UID: it becomes part of a config."""
    return row.get("series_uid") is None or bool(UID.fullmatch(row["series_uid"]))


def shows(item: Item, label: str) -> bool:
    """Whether a case shows a haemorrhage on one side, or a fracture, and not the other."""
    labels = item["labels"]
    if label == FRACTURE:
        return bool(labels["Fracture"] and not labels["ICH"])
    sides = bool(labels.get("BleedLocation-Left")) + bool(labels.get("BleedLocation-Right"))
    return bool(labels["ICH"] and not labels["Fracture"] and sides == 1)


def chosen(items: Sequence[Item], counts: Mapping[str, int], refused: frozenset[str] = frozenset()) -> list[Item]:
    """The first cases that show each label, as many as `counts` says, without those that were refused."""
    found = []
    for label in (HAEMORRHAGE, FRACTURE):
        matching = [item for item in items if shows(item, label) and item["case"] not in refused]
        found += matching[: counts.get(label, 0)]
    return found


def runs_with(folder: Reproduction, case: str) -> dict[str, str]:
    """The run of each series that has whole results of a case, the widest where several have."""
    widest: dict[str, tuple[int, str]] = {}
    for name, evaluation in folder.evaluations().items():
        network = evaluation["network"]
        if folder.example_result(name, case):
            series = series_of(network)
            widest[series] = max(widest.get(series, (0, "")), (network["width"], name))
    return {series: widest[series][1] for series in SERIES if series in widest}


def slices(folder: Reproduction, label: str) -> list[Slices]:
    """What Figures 4 and 9 show: each example of a label with the maps of it.

    Raises:
        NothingToShow: there is none.
    """
    found = []
    for item, runs in _examples(folder, label):
        maps = {series: heatmap(folder.example(run, item["case"])) for series, run in runs.items()}
        example = folder.example(next(iter(runs.values())), item["case"])
        volume = read_volume(item["image"], item.get("series_uid"))
        where = np.isin(voxels(example / "regions.nii.gz"), WHERE[label])
        affine = upright(example, volume.affine)
        found.append(Slices(f"{item['case']}, {label}", volume.hu, affine, where, WINDOWS_HU[label], maps))
    return found


def skulls(folder: Reproduction) -> dict[str, Skull]:
    """What Figure 5 shows: the skulls of the fractures, coloured by a position network.

    Raises:
        NothingToShow: there is none.
    """
    found = {}
    for item, runs in _examples(folder, FRACTURE):
        run = runs.get(POSITION) or runs.get(DENSE)
        if run:
            example = folder.example(run, item["case"])
            values, unit = heatmap(example)
            regions = nib.load(example / "regions.nii.gz")
            affine = upright(example, np.asarray(regions.affine))  # type: ignore[attr-defined]
            found[str(item["case"])] = Skull(voxels(example / "regions.nii.gz") == SKULL, values, affine, unit)
    if not found:
        raise NothingToShow("no position network has made a map of a fracture")
    return found


def _examples(folder: Reproduction, label: str) -> list[tuple[Item, dict[str, str]]]:
    """The cases that show a label and have results, with their runs."""
    items = [item for item in listed_tests(folder.settings()["datalist"]) if shows(item, label)]
    found = [(item, runs_with(folder, item["case"])) for item in items]
    if not any(runs for _, runs in found):
        raise NothingToShow(f"no run has made a map of a scan that shows a {label} alone")
    return [(item, runs) for item, runs in found if runs]


def voxels(path: Path) -> NDArray[Any]:
    """The voxels of a NIfTI file (I, J, K)."""
    return np.asanyarray(nib.load(path).dataobj)  # type: ignore[attr-defined]


def heatmap(example: Path) -> tuple[NDArray[np.floating[Any]], str]:
    """The heatmap of a set of results, and its unit."""
    result = json.loads((example / "result.json").read_text(encoding="utf-8"))
    return voxels(example / "heatmap.nii.gz"), str(result["settings"]["unit"])


def upright(example: Path, affine: Array) -> Array:
    """An affine of a scan's grid (4, 4) in reference space, where every head lies in the same way."""
    result = json.loads((example / "result.json").read_text(encoding="utf-8"))
    return np.asarray(np.array(result["registration"]["matrix"]) @ affine)
