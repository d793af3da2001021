"""The record of a folder of results, `result.json`, and the check of the folder against it.

`result.json` names each *output file* with its sha256, and is written last (see `results`): a folder of results is
complete if, and only if, `result.json` is in it and its hashes match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..assets import sha256

RESULT_NAME = "result.json"
"""The file that makes a set of results complete."""

RESULT_FORMAT = "head_ct_position_anomaly result 1"
"""Value of `format` in `result.json`: how a folder of earlier results is told from any other folder."""

HEATMAP, ERROR_MAP, DETECTIONS, REGIONS, SCAN = (
    f"{name}.nii.gz" for name in ("heatmap", "error_map", "detections", "regions", "scan")
)
"""Files of the volumes."""

MAP_LEVELS = ("all", "heatmap", "none")
"""Which volumes of a result are written: all, the heatmap alone, or none."""


class ResultIncomplete(ValueError):
    """A folder is not a complete set of results."""


def verify(folder: str | Path, spared: Collection[str] = ()) -> dict[str, Any]:
    """The content of `result.json` of a complete set of results; `spared` files may be missing.

    Raises:
        ResultIncomplete: `result.json` is missing or not ours, or a file is missing or was changed.
    """
    folder = Path(folder)
    result = read_result(folder)
    gone = {name for name in spared if not (folder / name).exists()}
    if problems := changed_files(folder, {name: own for name, own in result["outputs"].items() if name not in gone}):
        name, problem = next(iter(problems.items()))
        raise ResultIncomplete(f"{name} in {folder} {problem}. Make the results again.")
    return result


def read_result(folder: Path) -> dict[str, Any]:
    """The content of the `result.json` in a folder; its files are not looked at.

    Raises:
        ResultIncomplete: it is missing, or not one of ours.
    """
    path = folder / RESULT_NAME
    try:
        if not path.is_file():
            raise ResultIncomplete(f"{folder} holds no {RESULT_NAME}: the results are not complete.")
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        ours = result["format"] == RESULT_FORMAT and all(is_sha256(value) for value in result["outputs"].values())
        for name in result["outputs"]:
            check_name(name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, ResultIncomplete):
            raise
        ours = False
    if not ours:
        raise ResultIncomplete(
            f"The {RESULT_NAME} in {folder} is damaged, or not of this program. Make the results again."
        )
    return result


def own_files(folder: Path) -> set[str]:
    """Names of the files that the `result.json` in a folder answers for; none if it isn't one of ours."""
    try:
        return {RESULT_NAME, *read_result(folder)["outputs"]}
    except ResultIncomplete:
        return set()


def changed_files(folder: Path, outputs: Mapping[str, str]) -> dict[str, str]:
    """The problems of files of `outputs`, {name: sha256}, in a folder, by name; empty if there are none."""
    found = {}
    for name, expected in outputs.items():
        try:
            if not (folder / name).is_file():
                found[name] = "is missing"
            elif sha256(folder / name) != expected:
                found[name] = "is not the file that was written"
        except OSError as error:
            found[name] = f"can't be read ({error.strerror})"
    return found


def check_name(name: str) -> None:
    """Raise ValueError for a file name that is absolute, leaves the folder or is taken."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name or name == RESULT_NAME:
        raise ValueError(f"{name!r} can't be the name of an output file: use a relative path other than {RESULT_NAME}")


def is_sha256(value: object) -> bool:
    """True if a value is a sha256 as `write_results` writes it."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None
