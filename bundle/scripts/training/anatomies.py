"""Lists of a workflow's inputs: anatomies for training and validation, cases for inference.

An *anatomy* is a whole-head label map, `NAME.nii.gz` in a folder. Splits are by anatomy, never by drawn head.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ..errors import WrongUsage
from ..simulation.anatomy.label_map import anatomy_paths

SHOWN = 5
"""Most names of a folder's label maps that a message shows."""


def _anatomies(folder: str) -> dict[str, str]:
    """Path by name of every anatomy in a folder, in the order of the names."""
    return {path.name.split(".")[0]: str(path) for path in anatomy_paths(Path(folder))}


def training_anatomies(folder: str, held_out: Collection[str]) -> list[dict[str, Any]]:
    """One dictionary {"image": path} for each anatomy of the folder that is not held out.

    Raises:
        WrongUsage: the folder holds no anatomy, or none that is not held out.
    """
    items = [{"image": path} for name, path in _anatomies(folder).items() if name not in held_out]
    if not items:
        raise WrongUsage(
            f"Every label map in {folder} is held out ({', '.join(sorted(held_out))}): none is left to train on. "
            "Name fewer with --validation and --hold-out (validation_anatomies and test_anatomies in train.json)."
        )
    return items


def training_heads(folder: str, held_out: Collection[str], heads_per_anatomy: int) -> list[dict[str, Any]]:
    """One dictionary {"image": path, "seed": int} for each of a fixed number of heads of the training's anatomies.

    Raises:
        WrongUsage: as `training_anatomies`.
    """
    found = training_anatomies(folder, held_out)
    return [{**item, "seed": seed} for seed in range(heads_per_anatomy) for item in found]


def check_names(folder: str, names: Sequence[str], remedy: str) -> dict[str, str]:
    """Path by name of the anatomies in a folder, among which all the `names` are.

    Raises:
        WrongUsage: one is not; the message ends with the `remedy`.
    """
    found = _anatomies(folder)
    missing = [name for name in names if name not in found]
    if missing:
        first = ", ".join(list(found)[:SHOWN]) + (", …" if len(found) > SHOWN else "")
        raise WrongUsage(f"No label map in {folder} is called {', '.join(missing)}; there are {first}. {remedy}")
    return found


def validation_heads(folder: str, names: Sequence[str], heads_per_anatomy: int) -> list[dict[str, Any]]:
    """One dictionary {"image": path, "seed": int} for each validation head; the seeds are 0, 1, … for each anatomy.

    Raises:
        WrongUsage: an anatomy is not in the folder.
    """
    found = check_names(
        folder, names, "Name those to validate on: --validation NAME ... (validation_anatomies in train.json)."
    )
    return [{"image": found[name], "seed": seed} for name in names for seed in range(heads_per_anatomy)]
