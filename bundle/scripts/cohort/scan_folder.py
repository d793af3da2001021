"""The cases of a cohort, from a folder of scans: each entry is one, by its name.

An entry is a folder (a series or a study, or one that `head-ct-anomaly simulate` wrote), a NIfTI file or a zip archive;
hidden entries and other files are left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..datasets.datalist import SAFE, Case
from ..errors import WrongUsage
from ..files.inputs import entries_in, scan_of
from ..files.names import is_nifti, scan_name
from ..files.zipped import is_zip, unpacked
from ..findings import REFUSAL, Finding, InputRefused
from ..reading.inputs import check_input
from ..results.record import own_files
from ..words import counted, shortened
from .folder import FACTS_NAME

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
"""Letters that the name of a case can't have; an underscore stands for them."""

LONGEST = 100
"""Letters of the longest name."""


def cases_in(folder: Path) -> list[Case]:
    """A case for each entry of a folder, in the order of their names.

    Raises:
        WrongUsage: the folder can't be read, or holds no scan, or results; or two entries would have one name.
    """
    if _holds_results(folder):
        raise WrongUsage(f"{folder} holds results, no scans. Give the folder that holds the scans.")
    entries = entries_in(folder)
    scans = [entry for entry in entries if entry.is_dir() or is_nifti(entry) or is_zip(entry)]
    if not scans:
        raise WrongUsage(_nothing(folder, len(entries)))
    found: dict[str, Path] = {}
    folded: dict[str, Path] = {}  # some file systems do not tell capital letters from small ones
    for entry in scans:
        if _holds_results(entry):
            raise WrongUsage(f"{entry} holds results, no scan. Move it elsewhere.")
        name = safe_name(scan_name(entry))
        if other := folded.get(name.casefold()):
            raise WrongUsage(f"Two scans would be called {name}: {other.name} and {entry.name}. Rename one.")
        found[name] = folded[name.casefold()] = entry
    return [Case(name, scan_of(entry).absolute(), row=row) for row, (name, entry) in enumerate(found.items())]


def _holds_results(folder: Path) -> bool:
    """True if a folder is one of results, or that of a cohort; not if it can't be entered."""
    return bool(own_files(folder)) or os.path.isfile(folder / FACTS_NAME)


def safe_name(name: str) -> str:
    """The name of a case for that of an entry: what a folder can't be called anywhere becomes an underscore."""
    safe = UNSAFE.sub("_", name)[:LONGEST].rstrip(".")
    return safe if SAFE.fullmatch(safe) else f"_{safe}"[:LONGEST].rstrip(".")


def _nothing(folder: Path, files: int) -> str:
    """That a folder holds no scan, and what it holds."""
    if not files:
        return f"{folder} is empty. Give a folder of scans: folders of series or studies, NIfTI files, zip archives."
    return (
        f"{folder} holds {counted(files, 'file')}, but no folder, NIfTI or zip archive. If it is one scan, use "
        "`head-ct-anomaly run`; else give the folder above it."
    )


def check_some(cases: Sequence[Case], folder: Path) -> None:
    """See by headers alone that a case can be judged, before anything is written; the first that can ends the search.

    Raises:
        InputRefused: none can; the message has the reason of the first.
    """
    first: InputRefused | None = None
    for case in cases:
        try:
            with unpacked(case.image) as place:
                check_input(place, case.series_uid)
            return
        except InputRefused as refused:
            first = first or refused
    if first:
        reason = shortened(str(first), 250)
        text = f"None of {counted(len(cases), 'scan')} in {folder} can be judged. {cases[0].name}: {reason}"
        raise InputRefused([Finding(first.code, REFUSAL, text)])
