"""The script of NiiVue, the viewer in the page: a file of the package nilearn, which is not imported.

NiiVue (BSD-2-Clause) draws volumes and surfaces by WebGL. nilearn (BSD-3-Clause) ships it as one file. Without that
package a page has pictures alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

PACKAGE, SCRIPT = "nilearn", "nilearn/_assets/js/niivue.umd.js"
"""The package, and its file."""

VERSION = re.compile(rb'version:"([0-9]+\.[0-9]+\.[0-9]+)"')
"""The words by which the script tells its version."""

HOW = 'pip install "head-ct-position-anomaly[report]"'
"""The command that installs it."""


@dataclass(frozen=True)
class Script:
    """A script, and its version ("" if it does not tell)."""

    text: bytes
    version: str


def niivue() -> Script | None:
    """The script of NiiVue; None if it is not installed."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(SCRIPT)))
    except PackageNotFoundError:
        return None
    if not path.is_file():
        return None
    text = path.read_bytes()
    found = VERSION.search(text)
    return Script(text, found[1].decode() if found else "")
