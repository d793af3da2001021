"""Names of input files in messages: the file's own name if that is plain, else its place in its folder.

People call files and folders after patients. A *plain* name is a number or a DICOM UID, with at most one of the usual
short words before it, as scanners and archives make them: `IM0013.dcm`, `1-013.dcm`, `CT.1.2.840.113619.2.5.1`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

PLAIN = re.compile(
    r"((ct|dcm|file|i|im|image|img|mr|s|scan|slice)[-_. ]?)?"
    r"(\d{1,5}([-_]\d{1,5})?|\d+(\.\d+){4,})"
    r"(\.(dcm|dic|dicom|ima|img))?",
    re.IGNORECASE | re.ASCII,
)
"""Plain names. Longer numbers may be those of patients."""

LONGEST = 70
"""Characters of a UID with what may stand around it."""


SUFFIXES = (".nii.gz", ".nii", ".zip")
"""Suffixes that say what kind of file a scan is."""


SIDECAR = ".json"
"""Suffix of the file that converters write beside a NIfTI."""


def shown(file: Path) -> str:
    """The name of a file, or its place among the names of its folder, to stand after "the file"."""
    if PLAIN.fullmatch(file.name) and len(file.name) <= LONGEST:
        return file.name
    try:
        return f"no. {sorted(os.listdir(file.parent)).index(file.name) + 1} of its folder (by name)"
    except (OSError, ValueError):
        return "with another name"


def is_nifti(path: Path) -> bool:
    """True if the name is that of a NIfTI file."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def only_nifti(files: Iterable[Path]) -> Path | None:
    """The NIfTI among the files of a folder; None unless the others are hidden, or JSON as converters write beside."""
    scans = [file for file in files if not file.name.startswith(".") and file.suffix.lower() != SIDECAR]
    return scans[0] if len(scans) == 1 and is_nifti(scans[0]) else None


def scan_name(path: Path) -> str:
    """The name of a scan: that of its folder or file, without the suffix of a NIfTI or an archive."""
    name = path.name or path.absolute().name
    if name in (".", ".."):
        name = path.resolve().name
    return next((name[: -len(end)] for end in SUFFIXES if name.lower().endswith(end) and len(name) > len(end)), name)
