"""Fingerprints: short texts that change with a scan, or with its processing."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..assets import bundle_root, sha256

SIMULATOR = ("simulation", "geometry", "volume.py")
"""Sources that determine how a head is drawn, below `scripts`: the simulator and the modules that it uses."""

SAMPLE_BYTES = 4096
"""So much of a file is read at its beginning, its middle and its end."""


@dataclass(frozen=True)
class Source:
    """One healthy scan; `seed` is None for a scan on disk, `variety` the population of a simulated one."""

    name: str
    group: str
    path: Path
    seed: int | None = None
    variety: str = "plain"

    def fingerprint(self) -> list[Any]:
        """Plain values that change when the scan does, quickly found.

        For a scan on disk they are the name, size, time and a sample of the content (`sample_sha256`) of each file.
        """
        if self.seed is not None:
            return [sha256(self.path), self.seed, self.variety, simulator_sha256()]
        found = sorted(Path(folder, name) for folder, _, names in os.walk(self.path) for name in names)
        files = [self.path] if os.path.isfile(self.path) else found
        return [entry for file in files if (entry := _entry(file, self.path.parent))]


def _entry(file: Path, folder: Path) -> list[Any]:
    """Plain values that change with a file, which lies below a folder; none of what is no file, or can't be reached."""
    try:
        facts = file.stat()
    except OSError:
        return []
    if not stat.S_ISREG(facts.st_mode):
        return []
    return [str(file.relative_to(folder)), facts.st_size, facts.st_mtime_ns, sample_sha256(file, facts.st_size)]


def sample_sha256(file: Path, size: int) -> str:
    """The sha256 of `SAMPLE_BYTES` at the beginning, the middle and the end of a file; empty if it can't be read.

    It tells scans of equal names, sizes and times apart: archives may give all files one time.
    """
    found = hashlib.sha256()
    try:
        with file.open("rb", buffering=0) as stream:
            for start in sorted({0, size // 2, max(0, size - SAMPLE_BYTES)}):
                stream.seek(start)
                found.update(stream.read(SAMPLE_BYTES))
    except OSError:
        return ""
    return found.hexdigest()


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
