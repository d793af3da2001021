"""Pinned versions in a requirements file."""

from __future__ import annotations

from pathlib import Path


def pins(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.lower().replace("_", "-").split("==") for line in lines if "==" in line)
