"""Where the healthy scans of a calibration come from: a folder of scans, or the simulator.

A *source* is one scan: an entry of the folder (a NIfTI file, or the folder of a series or a study), or an anatomy and a
seed. Scans of one *group* show the same person: entries of a folder are taken for different people, draws from one
anatomy are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .anatomies import anatomy_paths
from .assets import bundle_root, sha256
from .findings import PathMissing
from .nifti import is_nifti

SIMULATED_NAME = "scan.nii.gz"
"""The scan among the files of a folder that `head-ct-anomaly simulate` wrote."""


@dataclass(frozen=True)
class Source:
    """One healthy scan; `seed` is None for a scan on disk."""

    name: str
    group: str
    path: Path
    seed: int | None = None

    def fingerprint(self) -> list[Any]:
        """Plain values that change when the scan does, quickly found."""
        if self.seed is not None:
            return [sha256(self.path), self.seed, simulator_sha256()]
        files = [self.path] if self.path.is_file() else sorted(path for path in self.path.rglob("*") if path.is_file())
        return [
            [str(file.relative_to(self.path.parent)), file.stat().st_size, file.stat().st_mtime_ns] for file in files
        ]


def sources_in(folder: Path) -> list[Source]:
    """A source for each entry of a folder, in the order of the names; hidden entries and other files are left out.

    Raises:
        PathMissing: there is no such folder.
    """
    if not folder.is_dir():
        raise PathMissing(f"There is no folder {folder}. Give the folder that holds the healthy scans.")
    entries = [entry for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    return [Source(e.name, e.name, _scan_of(e)) for e in entries if e.is_dir() or is_nifti(e)]


def _scan_of(entry: Path) -> Path:
    """The scan that an entry holds: itself, or its only NIfTI file, or the one that the simulator wrote."""
    if (entry / SIMULATED_NAME).is_file():
        return entry / SIMULATED_NAME
    if entry.is_dir():
        files = [path for path in entry.iterdir() if not path.name.startswith(".")]
        if len(files) == 1 and is_nifti(files[0]):
            return files[0]
    return entry


def simulated_sources(anatomies: Path, names: Sequence[str], count: int, seed: int) -> list[Source]:
    """`count` sources with seeds from `seed` on, which take turns over the anatomies of a folder (all, if no `names`).

    Raises:
        PathMissing: there is no such folder, it holds no label map, or not one of the names.
    """
    found = {path.name.split(".")[0]: path for path in anatomy_paths(anatomies)}
    missing = [name for name in names if name not in found]
    if missing:
        raise PathMissing(f"No label map in {anatomies} is called {missing[0]}. There are {', '.join(found)}.")
    chosen = list(names) or list(found)
    turns = [(chosen[number % len(chosen)], seed + number) for number in range(count)]
    return [Source(f"{name} {own_seed}", name, found[name], own_seed) for name, own_seed in turns]


def simulator_sha256() -> str:
    """The sha256 of the simulator's sources: another simulator draws other heads from the same seed."""
    found = hashlib.sha256()
    for path in sorted((bundle_root() / "scripts" / "simulation").glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def key(source: Source, settings: dict[str, Any]) -> str:
    """A name for the file in which a scan's residual is kept: another scan, or other settings, give another name."""
    text = json.dumps([source.fingerprint(), settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
