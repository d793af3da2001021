"""The frozen protocol of CQ500, `protocol.json`: who is in which section, and which cases count as healthy.

The file says in words and numbers what this module does. It has a version, and its *hash*, the sha256 of its bytes,
stands in every score and card: two results are comparable if both have the same. A change of a rule makes another
version. The *share* of a case follows from its name alone, so a case that is lacking moves no other one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .split import CLEAN, DOUBTFUL

PATH = Path(__file__).with_name("protocol.json")

FORMAT = "head_ct_position_anomaly cq500 protocol 1"
"""Value of `format` in the file."""

HEALTHY = {"clean": (CLEAN,), "with contaminated normals": (CLEAN, DOUBTFUL)}
"""The groups that count as healthy in each analysis; the first one is the main analysis."""

DIGITS = 8
"""Hexadecimal digits of a hash that make a share."""


@dataclass(frozen=True)
class Protocol:
    """The content of the file, and the sha256 of its bytes."""

    content: Mapping[str, Any]
    sha256: str

    @property
    def version(self) -> int:
        """The version."""
        return int(self.content["version"])

    def share(self, name: str) -> float:
        """The share (0 to below 1) of a case, by its name."""
        text = f"{self.content['split']['salt']}{name}"
        digits = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
        return int(digits, 16) / float(16**DIGITS)

    def section(self, name: str, group: str) -> str:
        """The section of a case of a group (see `split`): training, validation, test, or "" for none."""
        split, share = self.content["split"], self.share(name)
        if group not in (CLEAN, DOUBTFUL) or share < split["test_share"]:
            return "test"
        if group == DOUBTFUL:
            return ""
        return "validation" if share < split["validation_until"] else "training"

    def sections(self, groups: Mapping[str, str]) -> dict[str, str]:
        """The section of each case that has one, by the group of each, by name."""
        found = {name: self.section(name, group) for name, group in groups.items()}
        return {name: section for name, section in found.items() if section}


def load_protocol(path: Path = PATH) -> Protocol:
    """The protocol in a file.

    Raises:
        ValueError: the file is of another format.
    """
    content = path.read_bytes()
    protocol = Protocol(json.loads(content), hashlib.sha256(content).hexdigest())
    if protocol.content.get("format") != FORMAT:
        raise ValueError(f"{path.name} is of another format than {FORMAT!r}.")
    return protocol
