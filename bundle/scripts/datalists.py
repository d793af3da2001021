"""Lists of what a workflow works on: anatomies for training and validation, cases for inference.

An *anatomy* is a whole-head label map, `NAME.nii.gz` in a folder. Splits are by anatomy, never by drawn head.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from .anatomies import anatomy_paths
from .cohort_cases import check_apart
from .findings import PathMissing

SHOWN = 5
"""How many names of a folder's label maps a message shows."""


def _anatomies(folder: str) -> dict[str, str]:
    """Path by name of every anatomy in a folder, in the order of the names."""
    return {path.name.split(".")[0]: str(path) for path in anatomy_paths(Path(folder))}


def training_anatomies(folder: str, held_out: Collection[str]) -> list[dict[str, Any]]:
    """One dictionary {"image": path} for each anatomy of the folder that is not held out.

    Raises:
        PathMissing: the folder holds no anatomy, or none that is not held out.
    """
    items = [{"image": path} for name, path in _anatomies(folder).items() if name not in held_out]
    if not items:
        raise PathMissing(
            f"Every label map in {folder} is held out ({', '.join(sorted(held_out))}): none is left to train on. "
            "Name fewer with --validation and --hold-out (validation_anatomies and test_anatomies in train.json)."
        )
    return items


def check_names(folder: str, names: Sequence[str], remedy: str) -> dict[str, str]:
    """Path by name of the anatomies in a folder, among which all the `names` are.

    Raises:
        PathMissing: one is not; the message ends with the `remedy`.
    """
    found = _anatomies(folder)
    missing = [name for name in names if name not in found]
    if missing:
        first = ", ".join(list(found)[:SHOWN]) + (", …" if len(found) > SHOWN else "")
        raise PathMissing(f"No label map in {folder} is called {', '.join(missing)}; there are {first}. {remedy}")
    return found


def validation_heads(folder: str, names: Sequence[str], heads_per_anatomy: int) -> list[dict[str, Any]]:
    """One dictionary {"image": path, "seed": int} for each validation head; the seeds are 0, 1, … for each anatomy.

    Raises:
        PathMissing: an anatomy is not in the folder.
    """
    found = check_names(
        folder, names, "Name those to validate on: --validation NAME ... (validation_anatomies in train.json)."
    )
    return [{"image": found[name], "seed": seed} for name in names for seed in range(heads_per_anatomy)]


def cases(path: str | Path) -> list[dict[str, Any]]:
    """The one case that `path` holds: a NIfTI file, a DICOM file, or the folder of a series or of a study."""
    return [{"image": str(path)}]


def listed_scans(path: str | Path, section: str) -> list[dict[str, Any]]:
    """The scans of one section of a datalist, a JSON file {"training": [{"image": path}, …], "validation": […]}.

    Paths are relative to the file's folder unless they are absolute.

    Raises:
        PathMissing: the file is not such a list, a section is empty, a scan does not exist or stands there twice.
    """
    path = Path(path)
    try:
        entries = json.loads(path.read_text())[section]
        images = [str((path.parent / entry["image"]).absolute()) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PathMissing(
            f'{path} is no datalist ({type(error).__name__}: {error}). It needs "training" and "validation", '
            'each a list of {"image": path}.'
        ) from error
    if not images:
        raise PathMissing(
            f'{json.dumps(section)} is empty in {path}. List the healthy scans, each as {{"image": path}}.'
        )
    seen: set[Path] = set()
    for row, image in enumerate(images):
        if not Path(image).exists():
            raise PathMissing(
                f"Entry {row} of {json.dumps(section)} in {path}, {image}, does not exist. Correct its path."
            )
        if Path(image).resolve() in seen:
            raise PathMissing(
                f"Entry {row} of {json.dumps(section)} in {path}, {image}, stands there twice. Remove one."
            )
        seen.add(Path(image).resolve())
    return [{"image": image} for image in images]


def check_disjoint(path: str | Path) -> None:
    """See that the scans of a datalist are there, and that none to train on is for validation or test as well.

    Raises:
        PathMissing: they are not, or one is.
    """
    for section in ("validation", "training"):
        listed_scans(path, section)
    check_apart(path)
