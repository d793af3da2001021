"""One input of the catalogue in `bad_inputs.py`, and what must happen to it.

A `Case` either is *refused* with a code, or *accepted*, with a flag or without one; then its voxels are where the
header says, with the right HU. `changed` names the few whose voxels are not the head's, so that only the flag counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from input_files import Make


@dataclass(frozen=True)
class Case:
    """An input and what must happen: a refusal with `code`, or a flag with it ("" for none)."""

    name: str
    make: Make
    code: str
    refused: bool = True
    series_uid: str | None = None
    changed: bool = False


def ok(name: str, make: Make, code: str = "", **options: Any) -> Case:
    """An input that is accepted, with a flag."""
    return Case(name, make, code, refused=False, **options)
