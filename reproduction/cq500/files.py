"""The files around CQ500: its label table, the datalist that is made of it, and the table of its cases.

A *datalist* has the sections training, validation and test; an item names the case, the folder of one series, the UID
of that series, and the votes. It is written after the *table of cases*, which has the outcome of every case with its
reason. Both are written atomically. The table stands alone if there are too few cases for a datalist.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scripts.errors import OutputExists, OutputFailed, WrongUsage, as_ours
from scripts.files.atomic import staged, write_file
from scripts.files.json_text import json_text
from scripts.files.tables import as_csv

from .cases import Case
from .reads import Reads, TableRefused, parse_reads
from .split import SPLITS

COLUMNS = ("case", "kept", "section", "group", "series", "series_uid", "reason", "candidates")
"""The columns of the table of cases."""


def load_reads(path: Path) -> Reads:
    """The label table in a file.

    Raises:
        WrongUsage: it is not there, or is no label table; the message says where.
    """
    try:
        return parse_reads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongUsage(f"{path} can't be read ({error.strerror}). Give the label table: --reads FILE.") from error
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{path} is no text in UTF-8. Use the reads.csv of CQ500 as it was downloaded.") from error
    except TableRefused as error:
        raise WrongUsage(f"{path} is not the label table of CQ500. {error}") from error


def datalist(
    cases: Sequence[Case], labels: Mapping[str, Mapping[str, bool]], folder: Path, words: str
) -> dict[str, Any]:
    """The datalist of cases with sections, for a file in a folder; paths below that folder are relative to it."""
    content: dict[str, Any] = {"description": words, **{section: [] for section in SPLITS}}
    for case in cases:
        if not case.code and case.series is not None:
            item = {"case": case.name, "image": _relative(case.series, folder), "series_uid": case.series_uid}
            content[case.section].append({**item, "labels": dict(labels[case.name])})
    return content


def cases_text(cases: Sequence[Case], root: Path) -> str:
    """The table of cases as comma-separated values; series are named from the data set's folder on."""
    rows = []
    for case in cases:
        series = None if case.series is None else case.series.relative_to(root).as_posix()
        row = (case.name, int(not case.code), case.section, case.group, series, case.series_uid)
        rows.append((*row, case.reason, case.candidates))
    return as_csv(COLUMNS, rows)


def cases_path(output: Path) -> Path:
    """The table of cases beside a datalist: `datalist_cases.csv` beside `datalist.json`."""
    return output.with_name(f"{output.stem}_cases.csv")


def check_free(output: Path, overwrite: bool) -> None:
    """Check before hours of work that both files may be written.

    A table of cases that stands alone is of a call that found too few of them, and may be replaced.

    Raises:
        OutputExists: one is there and must not be replaced, or a folder has its name.
        OutputFailed: there is no folder for them.
    """
    if not output.parent.is_dir():
        raise OutputFailed(
            f"{output} can't be written: there is no folder {output.parent}. Make it, or choose another one."
        )
    for path in (output, cases_path(output)):
        if path.is_dir() or (os.path.lexists(path) and not overwrite and not _alone(path, output)):
            raise OutputExists(f"{path} exists. Choose another name, or say --overwrite to replace it.")


def _alone(path: Path, output: Path) -> bool:
    """True if a path is that of a table of cases without its datalist."""
    try:
        with path.open(encoding="utf-8") as stream:
            return not os.path.lexists(output) and stream.readline().rstrip("\n") == ",".join(COLUMNS)
    except (OSError, UnicodeDecodeError):
        return False


def write(output: Path, content: Mapping[str, Any] | None, table: str) -> None:
    """Write a datalist and its table of cases, or the table alone where there is no content of a datalist.

    Raises:
        OutputFailed: they can't be written.
    """
    files = {cases_path(output): table.encode()} | ({} if content is None else {output: json_text(content).encode()})
    try:
        with ExitStack() as stack:
            for path in reversed(files):  # the last one to be staged is the first one in its place
                write_file(stack.enter_context(staged(path)), files[path])
    except OSError as error:
        raise as_ours(error, output) from error


def _relative(path: Path, folder: Path) -> str:
    """A path from a folder on where it lies below it, else the absolute one."""
    absolute, base = path.absolute(), folder.absolute()
    return (absolute.relative_to(base) if absolute.is_relative_to(base) else absolute).as_posix()
