"""Joins the folders of shards into one folder of a cohort, as if it had been scored without them.

Tables are joined row by row, as they are written, in the order of the list. Results of cases stay where they are:
`cases/`, `reasons/` and `thumbnails/` of the joined folder have links to them, or copies where the file system has no
links. Nothing is written before everything is known to fit: one list, one set of settings, every shard once, every case
in its own shard and table.
"""

from __future__ import annotations

import csv
import errno
import filecmp
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputExists, WrongUsage, as_ours
from ..files.json_text import json_text
from ..files.tables import as_csv
from ..results.record import RESULT_NAME
from ..words import counted
from .folder import CASES, FACTS_NAME, REASONS, THUMBNAILS, CohortFolder, differing, with_alpha
from .index import write_index
from .shards import shard_of
from .table import DETAILS_NAME, FIRST, LAST, SHORT, STATUSES, TABLE_NAME, number_columns, with_q_values

NAMED = 3
"""Missing shards that a message names."""

LINKED = (CASES, REASONS, THUMBNAILS)
"""Folders of which the joined one has links."""

NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Errors of file systems without symbolic links: FAT, and most mounted buckets of objects."""

NOT_ALLOWED = 1314
"""The same of Windows, for a user who may not make any."""

Cells = list[str]


@dataclass(frozen=True)
class Part:
    """The folder of a shard: its facts without the place and the cases, its place, and what is known of each case.

    That is the fingerprint of its scan; for a calibration see `calibration_shards`.
    """

    root: Path
    facts: dict[str, Any]
    place: dict[str, Any]
    cases: dict[str, Any]


def read_parts(folders: Sequence[Path]) -> list[Part]:
    """The shards in folders, by number.

    Raises:
        WrongUsage: one is no shard, or they do not make one cohort (see `whole`).
    """
    return whole([_part(folder) for folder in folders], "cohort --shard", _apart)


def whole(parts: Sequence[Part], again: str, apart: Callable[[Part, Part], str]) -> list[Part]:
    """The shards by number, where they make one list.

    Args:
        parts: the shards, in any order.
        again: the command that makes one.
        apart: the first difference of two that are there twice, in words.

    Raises:
        WrongUsage: another list, other settings, one twice or missing.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.place["of"] != first.place["of"]:
            raise WrongUsage(
                f"{part.root} is one of {part.place['of']} shards, and {first.root} one of {first.place['of']}. Join "
                "those of one number."
            )
        if change := differing(first.facts, part.facts):
            raise WrongUsage(f"{part.root} has other settings than {first.root}: {change}. Score it by the same ones.")
        if part.place["list"] != first.place["list"]:
            raise WrongUsage(
                f"{part.root} is of another list ({counted(part.place['listed'], 'case')}) than {first.root} "
                f"({counted(first.place['listed'], 'case')}). Run `{again}` again for each shard by the list of "
                "today: what is scored stays."
            )
    by_number: dict[int, Part] = {}
    for part in parts:
        if other := by_number.get(part.place["number"]):
            raise WrongUsage(
                f"{other.root} and {part.root} are both shard {part.place['number']}{apart(other, part)}. Name one."
            )
        by_number[part.place["number"]] = part
    if missing := [number for number in range(1, first.place["of"] + 1) if number not in by_number]:
        raise WrongUsage(
            f"{_missing(missing, first.place['of'])}. Run `{again} {missing[0]}/"
            f"{first.place['of']}`, and name the folders of all."
        )
    return [by_number[number] for number in sorted(by_number)]


def _part(folder: Path) -> Part:
    """The shard in a folder.

    Raises:
        WrongUsage: there is none.
    """
    facts = CohortFolder(folder).facts()
    if "shard" not in facts:
        what = "a cohort, but no shard of one" if facts else f"no shard: it has no {FACTS_NAME}"
        raise WrongUsage(f"{folder} is {what}. Name folders that `cohort --shard` wrote.")
    place, cases = facts.pop("shard"), facts.pop("cases", {})
    check_own(folder, place)
    check_results(folder, place)
    return Part(folder.absolute(), facts, place, cases)


def check_own(folder: Path, place: Mapping[str, Any]) -> None:
    """See that all of a shard belongs to it.

    Raises:
        WrongUsage: a name does not.
    """
    if alien := next((case for case in place["rows"] if shard_of(case, place["of"]) != place["number"]), None):
        raise WrongUsage(f"{folder}: {alien} belongs to another shard than {place['number']}. Score the shard again.")


def check_results(folder: Path, place: Mapping[str, Any]) -> None:
    """See that the folder of a shard holds no results of another one's cases, which might be others than theirs.

    Raises:
        WrongUsage: it does.
    """
    entries = [(entry, entry.name) for entry in _entries(folder / CASES)]
    entries += [(entry, entry.name.removesuffix(".json")) for entry in _entries(folder / REASONS)]
    for entry, case in entries:
        if (number := shard_of(case, place["of"])) != place["number"]:
            raise WrongUsage(f"{entry} belongs to shard {number}, not {place['number']}. Remove it there.")


def _apart(first: Part, second: Part) -> str:
    """The first case of which two folders of one shard say different things, in words; empty if there is none."""
    tables = [dict(_by_case(part.root / DETAILS_NAME)[1]) for part in (first, second)]
    odd = next((case for case, cells in tables[0].items() if tables[1].get(case, cells)[:-1] != cells[:-1]), None)
    return f", and {odd} has other results in each" if odd else ""


def _missing(numbers: Sequence[int], of: int) -> str:
    """The missing shards in words, the first ones by their numbers."""
    shown = ", ".join(map(str, numbers[:NAMED])) + (f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else "")
    return f"Of {of} shards {shown} {'are' if len(numbers) > 1 else 'is'} missing"


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
    tables = [(part, *_by_case(part.root / name)) for part in parts]
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


def _by_case(path: Path) -> tuple[Cells, list[tuple[str, Cells]]]:
    """The columns of a table of a shard, and its rows with the case of each.

    Raises:
        WrongUsage: it can't be read, or a row has another length.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
    except (OSError, ValueError, csv.Error) as error:
        raise WrongUsage(f"{path} can't be read ({error}). Run `cohort --shard` again for this shard.") from error
    if header[:1] != ["case"] or any(len(cells) != len(header) for cells in lines):
        raise WrongUsage(f"{path} is no table of scores. Run `cohort --shard` again for this shard.")
    return header, [(cells[0], cells) for cells in lines]


def link(part: Path, output: Path) -> None:
    """Link the results of a shard's cases into the joined folder.

    Raises:
        OutputExists: results of another run are in their place.
        OutputFailed: the file system has no room.
    """
    for folder in LINKED:
        targets, place = list(_entries(part / folder)), output / folder
        there = os.path.relpath(part / folder, place)
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


def _entries(folder: Path) -> Iterator[Path]:
    """The entries of a folder of a shard, without what killed workers left."""
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith(".")) if folder.is_dir() else iter(())
