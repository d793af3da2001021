"""Fingerprints: short texts that change with a scan, or with its processing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..assets import bundle_root, sha256

SIMULATOR = ("simulation", "geometry", "volume.py")
"""Sources that determine how a head is drawn, below `scripts`: the simulator and the modules that it uses."""


@dataclass(frozen=True)
class Source:
    """One healthy scan; `seed` is None for a scan on disk, `variety` the population of a simulated one."""

    name: str
    group: str
    path: Path
    seed: int | None = None
    variety: str = "plain"

    def fingerprint(self) -> list[Any]:
        """Plain values that change when the scan does, quickly found."""
        if self.seed is not None:
            return [sha256(self.path), self.seed, self.variety, simulator_sha256()]
        files = [self.path] if self.path.is_file() else sorted(path for path in self.path.rglob("*") if path.is_file())
        return [
            [str(file.relative_to(self.path.parent)), file.stat().st_size, file.stat().st_mtime_ns] for file in files
        ]


@lru_cache(maxsize=1)
def simulator_sha256() -> str:
    """The sha256 of the simulator's sources: another simulator draws other heads from the same seed."""
    return sources_sha256(bundle_root() / "scripts", SIMULATOR)


def sources_sha256(root: Path, names: Sequence[str]) -> str:
    """The sha256 of the names and contents of the Python files below folders of `root`, and of single files in it.

    Raises:
        OSError: a name is no file or folder, or can't be read.
    """
    found = hashlib.sha256()
    for name in names:
        place = root / name
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found.update(f"{path.relative_to(root).as_posix()}\n{sha256(path)}\n".encode())
    return found.hexdigest()


def key(source: Source, settings: dict[str, Any]) -> str:
    """A name for the file in which a scan's residual is cached: another scan, or other settings, give another name."""
    text = json.dumps([source.fingerprint(), settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
