"""Why a scan was refused, kept in a small JSON file, so that it is not registered again only to be refused again.

It counts as long as the scan's files are what they were, by names, sizes and times. What else decides, such as what
registers the scan, belongs into the name of the file.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..files.atomic import replace_file
from ..findings import Finding, InputRefused
from .datalist import fingerprint

PASSING = "path_missing"
"""A refusal that is not kept: the scan may be within reach the next time."""


def save_refusal(path: Path, refusal: InputRefused, scan: Path) -> None:
    """Keep the findings of a refusal, unless it may be otherwise the next time.

    Raises:
        OSError: the file can't be written.
    """
    if any(finding.code == PASSING for finding in refusal.findings):
        return
    content = {"scan": fingerprint(scan, None), "refused": [finding.as_dict() for finding in refusal.findings]}
    replace_file(path, json.dumps(content, indent=2).encode())


def load_refusal(path: Path, scan: Path) -> InputRefused | None:
    """The cached refusal; None if there is none, the file is incomplete, or the scan has changed since."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        same = content["scan"] == fingerprint(scan, None)
        return InputRefused([Finding(**finding) for finding in content["refused"]]) if same else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
