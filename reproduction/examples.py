"""The scans that figures show: their selection, and the results of a reproduction's runs for them.

They are the first of the test scans that show one thing alone, in the order of the datalist: a haemorrhage on one side
and no fracture, or a fracture and no haemorrhage. Nothing is chosen by how well it was found.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from scripts.cohort.tasks import NEEDED, SIDES
from scripts.datasets.datalist import Case, check_labels, listed_cases
from scripts.preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE, SKULL
from scripts.results.planes import Array

from .folder import Reproduction
from .published import AUTOENCODER, FRACTURE, HAEMORRHAGE, POSITION
from .rows import DENSE, NothingToShow, series_of

if TYPE_CHECKING:  # what plans a sweep starts without matplotlib
    from .figures.error_slices import Slices
    from .figures.skull_surface import Skull

WINDOWS_HU = {HAEMORRHAGE: (-20.0, 120.0), FRACTURE: (-200.0, 1500.0)}
"""Windows of a scan: a brain window, or a bone window."""

WHERE = {HAEMORRHAGE: (LEFT_HEMISPHERE, RIGHT_HEMISPHERE), FRACTURE: (SKULL,)}
"""Regions in which the slice is looked for."""

SERIES = (POSITION, DENSE, AUTOENCODER)
"""In the order of the columns."""


def labelled_tests(datalist: str | Path, scans: bool = False) -> list[Case]:
    """The test cases of a datalist, each with the labels that an evaluation needs; their scans exist, if `scans`.

    Raises:
        WrongUsage: the datalist or one of its cases is faulty.
    """
    cases = listed_cases(datalist, "test", scans)
    check_labels(cases, NEEDED, "test", datalist)
    return cases


def shows(case: Case, label: str) -> bool:
    """True if a case shows a haemorrhage on one side, or a fracture, and not the other."""
    labels = case.labels
    if label == FRACTURE:
        return labels["Fracture"] and not labels["ICH"]
    return labels["ICH"] and not labels["Fracture"] and sum(labels[side] for side in SIDES.values()) == 1


def candidates(datalist: str | Path) -> dict[str, list[dict[str, str | None]]]:
    """The cases that show each label, in the order of the datalist, as name, path and series.

    Raises:
        WrongUsage: the datalist or one of its cases is faulty.
    """
    cases = labelled_tests(datalist)
    return {
        label: [{"case": c.name, "image": str(c.image), "series_uid": c.series_uid} for c in cases if shows(c, label)]
        for label in (HAEMORRHAGE, FRACTURE)
    }


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
    """The content of Figures 4 and 9: each example of a label with the maps of it.

    Raises:
        NothingToShow: there is none, or its results are not on the grid of the scan.
    """
    from .figures.error_slices import Slices

    found = []
    for case, runs in _examples(folder, label):
        maps = {series: heatmap(folder.example(run, case.name)) for series, run in runs.items()}
        example = folder.example(next(iter(runs.values())), case.name)
        hu, grid = scan_of(example)
        regions = voxels(example / "regions.nii.gz")
        check_grids(example, hu.shape, regions, *(values for values, _ in maps.values()))
        where = np.isin(regions, WHERE[label])
        affine = upright(example, grid)
        found.append(Slices(f"{case.name}, {label}", hu, affine, where, WINDOWS_HU[label], maps))
    return found


def skulls(folder: Reproduction) -> dict[str, Skull]:
    """The content of Figure 5: the skulls of the fractures, coloured by a position network.

    Raises:
        NothingToShow: there is none, or its map and its regions are not on one grid.
    """
    from scripts.results.checks import read_map

    from .figures.skull_surface import Skull

    found = {}
    for case, runs in _examples(folder, FRACTURE):
        run = runs.get(POSITION) or runs.get(DENSE)
        if run:
            example = folder.example(run, case.name)
            values, unit = heatmap(example)
            labels, affine = read_map(example / "regions.nii.gz")
            check_grids(example, labels.shape, values)
            found[case.name] = Skull(labels == SKULL, values, upright(example, affine), unit)
    if not found:
        raise NothingToShow("no position network has made a map of a fracture")
    return found


def _examples(folder: Reproduction, label: str) -> list[tuple[Case, dict[str, str]]]:
    """The cases that show a label and have results, with their runs."""
    cases = [case for case in labelled_tests(folder.settings()["datalist"]) if shows(case, label)]
    found = [(case, runs_with(folder, case.name)) for case in cases]
    if not any(runs for _, runs in found):
        raise NothingToShow(f"no run has made a map of a scan that shows a {label} alone")
    return [(case, runs) for case, runs in found if runs]


def check_grids(example: Path, shape: tuple[int, ...], *volumes: NDArray[Any]) -> None:
    """See that the regions and the maps of an example are on the grid of its scan, whose shape is given.

    Raises:
        NothingToShow: one is not: the scan has changed since they were made.
    """
    if others := [values.shape for values in volumes if values.shape != shape]:
        raise NothingToShow(
            f"a mask or map in {example} is on another grid, {others[0]}, than its scan, {shape}; remove that folder, "
            "and `head-ct-anomaly reproduce` makes it again"
        )


def scan_of(example: Path) -> tuple[NDArray[Any], Array]:
    """Voxels (I, J, K) in HU of the scan of an example, on the grid of its maps, and their affine.

    Raises:
        NothingToShow: it is not among the results, which an earlier version wrote.
    """
    from scripts.results.checks import read_map

    path = example / "scan.nii.gz"
    if not path.is_file():
        raise NothingToShow(
            f"{example} holds no {path.name}; remove that folder, and `head-ct-anomaly reproduce` makes it again"
        )
    return read_map(path)


def voxels(path: Path) -> NDArray[Any]:
    """The voxels of a NIfTI file (I, J, K)."""
    from scripts.results.checks import read_map

    return read_map(path)[0]


def heatmap(example: Path) -> tuple[NDArray[np.floating[Any]], str]:
    """The heatmap of a set of results, and its unit."""
    result = json.loads((example / "result.json").read_text(encoding="utf-8"))
    return voxels(example / "heatmap.nii.gz"), str(result["settings"]["unit"])


def upright(example: Path, affine: Array) -> Array:
    """An affine of a scan's grid (4, 4) in reference space, where every head lies in the same way."""
    result = json.loads((example / "result.json").read_text(encoding="utf-8"))
    return np.asarray(np.array(result["registration"]["matrix"]) @ affine)
