"""Folders of shards, read in order to be joined, and checked to make one list together.

A *part* is the folder of one shard. Parts are joined only if they are of one list and one set of settings, every shard
is there once, and every case is in its own shard.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WrongUsage
from ..words import counted
from .folder import CASES, FACTS_NAME, REASONS, CohortFolder, differing
from .shards import shard_of
from .table import DETAILS_NAME

NAMED = 3
"""Missing shards that a message names."""

Cells = list[str]
"""A row of a table, as it is written."""


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
    found = [(entry, entry.name) for entry in entries(folder / CASES)]
    found += [(entry, entry.name.removesuffix(".json")) for entry in entries(folder / REASONS)]
    for entry, case in found:
        if (number := shard_of(case, place["of"])) != place["number"]:
            raise WrongUsage(f"{entry} belongs to shard {number}, not {place['number']}. Remove it there.")


def _apart(first: Part, second: Part) -> str:
    """The first case of which two folders of one shard say different things, in words; empty if there is none."""
    tables = [dict(by_case(part.root / DETAILS_NAME)[1]) for part in (first, second)]
    odd = next((case for case, cells in tables[0].items() if tables[1].get(case, cells)[:-1] != cells[:-1]), None)
    return f", and {odd} has other results in each" if odd else ""


def _missing(numbers: Sequence[int], of: int) -> str:
    """The missing shards in words, the first ones by their numbers."""
    shown = ", ".join(map(str, numbers[:NAMED])) + (f" and {len(numbers) - NAMED} more" if len(numbers) > NAMED else "")
    return f"Of {of} shards {shown} {'are' if len(numbers) > 1 else 'is'} missing"


def by_case(path: Path) -> tuple[Cells, list[tuple[str, Cells]]]:
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


def entries(folder: Path) -> Iterator[Path]:
    """The entries of a folder of a shard, without what killed workers left."""
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith(".")) if folder.is_dir() else iter(())
