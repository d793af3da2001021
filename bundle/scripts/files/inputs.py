"""The scans that a user names: paths, patterns of paths, the entries of a folder, and the name of each scan.

A *pattern* has `*`, `?` or `[` in it, and is no path that exists. Hidden files match only a pattern that begins so.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import WrongUsage
from ..findings import refusal
from .names import only_nifti, scan_name

SIMULATED_NAME = "scan.nii.gz"
"""The scan among the files of a folder that `head-ct-anomaly simulate` wrote."""


def can_be_path(text: str) -> bool:
    """True if `text` can be a path: without a NUL, and without half a pair of surrogates."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def named_path(path: str | Path) -> Path:
    """A path that was named; an empty text, of a variable that is not set, would name the working directory.

    Raises:
        InputRefused: `path_missing`, if it is empty, or no system takes its characters.
    """
    if not str(path):
        raise refusal("path_missing", "The path is empty.")
    if not can_be_path(str(path)):
        raise refusal("path_missing", f"{str(path)[-200:]!r} holds a character that no path can have.")
    return Path(path)


def is_folder(path: Path) -> bool:
    """True if a path is a folder, and False if it is none, or not there.

    Raises:
        WrongUsage: it can't be reached.
    """
    try:
        return path.is_dir()
    except OSError as error:  # a folder on the way may not be entered, a mount is away
        raise WrongUsage(
            f"{path} can't be reached ({error.strerror}). Give a folder or a list that you may read."
        ) from error


def entries_in(folder: Path) -> list[Path]:
    """The entries of a folder in the order of their names, without hidden ones.

    Raises:
        WrongUsage: it can't be read.
    """
    try:
        return [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    except OSError as error:
        raise WrongUsage(f"{folder} can't be read ({error.strerror}). Give a folder that you may read.") from error


def scan_of(entry: Path) -> Path:
    """The scan that an entry of a folder holds: itself, or its only NIfTI file, or the one that the simulator wrote."""
    if os.path.isfile(entry / SIMULATED_NAME):
        return entry / SIMULATED_NAME
    try:
        return (only_nifti(entry.iterdir()) if entry.is_dir() else None) or entry
    except OSError:  # the reader will say why
        return entry


def paths_of(words: Sequence[str]) -> list[Path]:
    """The paths that words name, those of a pattern in the order of their names.

    Raises:
        WrongUsage: nothing matches a pattern.
    """
    paths: list[Path] = []
    for word in words:
        if os.path.exists(word) or not glob.has_magic(word):
            paths.append(Path(word))
        elif found := sorted(glob.glob(word)):
            paths += map(Path, found)
        else:
            raise WrongUsage(f"Nothing matches {word}. Check the pattern.")
    return paths


def named(paths: Iterable[Path]) -> dict[str, Path]:
    """The paths of scans by name.

    Raises:
        WrongUsage: two have one name.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = scan_name(path)
        if name in found:
            raise WrongUsage(
                f"Two scans are called {name}: {found[name]} and {path}. Rename one of them, or judge it by itself."
            )
        found[name] = path
    return found
