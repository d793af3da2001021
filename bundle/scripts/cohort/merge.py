"""Joins the folders of shards into one folder of a cohort, as if it had been scored without them.

Tables are joined row by row, as they are written, in the order of the list. Results of cases stay where they are:
`cases/`, `reasons/` and `thumbnails/` of the joined folder have links to them, or copies where the file system has no
links. Nothing is written before everything is known to fit: the shards make one list (see `parts`), and the
table of each has all of its cases.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import OutputExists, WrongUsage, as_ours
from ..files.json_text import json_text
from ..files.tables import as_csv
from ..results.record import RESULT_NAME
from ..words import counted
from .folder import CASES, FACTS_NAME, REASONS, THUMBNAILS, CohortFolder, differing, with_alpha
from .index import write_index
from .parts import Cells, Part, by_case, entries
from .table import DETAILS_NAME, FIRST, LAST, SHORT, STATUSES, TABLE_NAME, number_columns, with_q_values

LINKED = (CASES, REASONS, THUMBNAILS)
"""Folders of which the joined one has links."""

NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Errors of file systems without symbolic links: FAT, and most mounted buckets of objects."""

NOT_ALLOWED = 1314
"""The same of Windows, for a user who may not make any."""


def merge(parts: Sequence[Part], output: CohortFolder) -> dict[str, int]:
    """Write the joined folder; how many cases have each status.

    Raises:
        WrongUsage: a shard is not finished, or its table is faulty or of an earlier version.
        OutputExists: the folder holds something else.
        OutputFailed: it can't be written.
    """
    (columns, lines), long = joined(parts, TABLE_NAME), joined(parts, DETAILS_NAME)
    if tuple(columns) != SHORT:
        raise WrongUsage(f"{TABLE_NAME} of the shards is of an earlier version. Run `cohort --shard` again for each.")
    short = columns, with_q_values(columns, lines)
    output.check()
    facts = {**parts[0].facts, "cases": _sources(parts)}
    with output.locked():
        check_joined(output, facts)
        for part in parts:
            link(part.root, output.root)
        output.write(FACTS_NAME, json_text(facts))
        output.write(DETAILS_NAME, as_csv(*long))
        output.write(TABLE_NAME, as_csv(*short))
        write_index(output)
    column = short[0].index("status")
    return {status: sum(cells[column] == status for cells in short[1]) for status in STATUSES}


def check_joined(output: CohortFolder, facts: Mapping[str, Any]) -> None:
    """See that a folder holds nothing, or an earlier merge of the same settings and of cases that are all listed.

    Raises:
        OutputExists: it holds another run.
    """
    before = output.facts()
    if not before:
        return
    if "shard" in before:
        raise OutputExists(f"{output.root} is the folder of a shard. Choose another folder.")
    cases = before.pop("cases", {})
    wanted = {name: value for name, value in facts.items() if name != "cases"}
    change = differing(with_alpha(before), with_alpha(wanted))
    if not change and (others := [case for case in cases if case not in facts["cases"]]):
        change = f"{min(others)} is in no shard"
    if change:
        raise OutputExists(f"{output.root} holds another run: {change}. Choose another folder.")


def _sources(parts: Sequence[Part]) -> dict[str, str]:
    """The fingerprint of each case's scan, in the order of the list."""
    rows = sorted((row, name, part) for part in parts for name, row in part.place["rows"].items())
    return {name: part.cases[name] for _, name, part in rows}


def joined(parts: Sequence[Part], name: str) -> tuple[Cells, list[Cells]]:
    """The columns and rows of a table of all parts, in the order of the list.

    Raises:
        WrongUsage: a shard's table is not there, not of its cases, or has other columns than it should have.
    """
    tables = [(part, *by_case(part.root / name)) for part in parts]
    columns = _columns([header for _, header, _ in tables], name)
    rows: list[tuple[int, Cells]] = []
    for part, header, lines in tables:
        cases = [case for case, _ in lines]
        if sorted(cases) != sorted(part.place["rows"]):
            raise WrongUsage(
                f"{part.root / name} has {counted(len(cases), 'case')}, and its shard {len(part.place['rows'])}: it is "
                f"not finished. Run `cohort --shard {part.place['number']}/{part.place['of']}` again."
            )
        places = [header.index(column) if column in header else None for column in columns]
        same = places == list(range(len(header)))
        for case, cells in lines:
            own = cells if same else ["" if place is None else cells[place] for place in places]
            rows.append((part.place["rows"][case], own))
    rows.sort(key=lambda row: row[0])
    return columns, [cells for _, cells in rows]


def _columns(headers: Sequence[Cells], name: str) -> Cells:
    """The columns of the joined table: those of any shard, in the order of one table of all cases."""
    if name != DETAILS_NAME:
        return headers[0]
    return [*FIRST, *number_columns({column for header in headers for column in header if "." in column}), LAST]


def link(part: Path, output: Path) -> None:
    """Link the results of a shard's cases into the joined folder.

    Raises:
        OutputExists: results of another run are in their place.
        OutputFailed: the file system has no room.
    """
    for folder in LINKED:
        targets, place = list(entries(part / folder)), output / folder
        there = os.path.relpath((part / folder).resolve(), place.resolve())  # a link is followed from its true folder
        try:
            if targets:
                place.mkdir(exist_ok=True)
            for target in targets:
                _link(place / target.name, os.path.join(there, target.name), target)
        except OSError as error:
            raise as_ours(error, Path(error.filename2 or error.filename or place)) from error


def _link(made: Path, leads_to: str, target: Path) -> None:
    """Make a link to a target, in the place of an earlier merge's, or a copy of it where there can be no link.

    A copy of a reason, or of a small picture, is replaced by a newer one; results are not.

    Raises:
        OutputExists: something else is there.
    """
    if made.is_symlink() or (made.is_file() and target.is_file()):
        made.unlink()
    elif made.exists():
        there, wanted = (path / RESULT_NAME for path in (made, target))
        if filecmp.cmp(there, wanted, shallow=False):
            return  # an earlier merge's copy
        raise OutputExists(f"{made} holds other results than {target}. Choose another folder.")
    try:
        os.symlink(leads_to, made)
    except OSError as error:
        if error.errno not in NO_LINKS and getattr(error, "winerror", None) != NOT_ALLOWED:
            raise
        partial = made.with_name(f".{made.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(target, partial) if target.is_dir() else shutil.copyfile(target, partial)
        partial.rename(made)
