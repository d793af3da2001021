"""Fingerprints: short texts that change when a scan, or what is done with it, does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..assets import bundle_root, sha256


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


def simulator_sha256() -> str:
    """The sha256 of the simulator's sources: another simulator draws other heads from the same seed."""
    found = hashlib.sha256()
    for path in sorted((bundle_root() / "scripts" / "simulation").rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def key(source: Source, settings: dict[str, Any]) -> str:
    """A name for the file in which a scan's residual is kept: another scan, or other settings, give another name."""
    text = json.dumps([source.fingerprint(), settings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
