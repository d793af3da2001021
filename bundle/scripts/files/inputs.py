"""The scans that a command line names: paths, patterns of paths, and the name of each scan.

A *pattern* has `*`, `?` or `[` in it, and is no path that exists. Hidden files match only a pattern that begins so.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import WrongUsage
from .names import only_nifti, scan_name

SIMULATED_NAME = "scan.nii.gz"
"""The scan among the files of a folder that `head-ct-anomaly simulate` wrote."""


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
