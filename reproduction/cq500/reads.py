"""The label table of CQ500 (`reads.csv`): the marks of three readers in each scan, and their majority vote.

A *label* is one of the fourteen things that a *reader* can mark in a scan, a *mark* is the 1 in the column of a reader
and a label, `R1:ICH` say. The *vote* on a label is true where at least two of the three readers marked it. `ICH` is
any haemorrhage inside the skull, `IPH` to `SAH` are its subtypes, `BleedLocation-Left` is the patient's left.

The table has 44 columns: the scan's name, its category, and each label of each reader (Chilamkurthy et al., Lancet 392,
2018). Nothing is guessed: a table of another form is refused, with the line and the column that are wrong.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scripts.files.tables import as_csv

HAEMORRHAGE, FRACTURE = "ICH", "Fracture"
"""The labels that the published evaluation tells apart from healthy scans."""

SUBTYPES = ("IPH", "IVH", "SDH", "EDH", "SAH")
"""Haemorrhage in the brain, in the ventricles, subdural, epidural and subarachnoid."""

SIDES = ("BleedLocation-Left", "BleedLocation-Right")
"""Columns for the side of a haemorrhage, the patient's left and right."""

LABELS = (
    *(HAEMORRHAGE, *SUBTYPES, *SIDES, "ChronicBleed"),
    *(FRACTURE, "CalvarialFracture", "OtherFracture", "MassEffect", "MidlineShift"),
)
"""The fourteen labels, in the order of the table."""

READERS = ("R1", "R2", "R3")
"""The readers, in the order of the table."""

COLUMNS = ("name", "Category", *(f"{reader}:{label}" for reader in READERS for label in LABELS))
"""The 44 columns; their order is not looked at."""

MAJORITY = 2
"""So many of the three readers make a vote."""

NAME = re.compile(r"CQ500-CT-(0|[1-9]\d*)")
"""A scan's name; the number is its case number."""

REMEDY = "Use the reads.csv of CQ500 as it was downloaded."
"""Remedy for a table of another form."""

SHOWN = 3
"""Most columns or scans that a message names."""


class TableRefused(ValueError):
    """The text is no label table of CQ500; the message has the place and the remedy."""


@dataclass(frozen=True, eq=False)
class Reads:
    """A label table of N scans: their names and categories, and marks (N, 3, 14) by scan, reader and label."""

    names: tuple[str, ...]
    categories: tuple[str, ...]
    marks: NDArray[np.bool_]

    def votes(self) -> NDArray[np.bool_]:
        """The majority vote (N, 14), by scan and label."""
        return np.asarray(self.marks.sum(axis=1) >= MAJORITY)

    def labels(self) -> dict[str, dict[str, bool]]:
        """The votes of each scan, by its name and the label's."""
        rows = self.votes().tolist()
        return {name: dict(zip(LABELS, row, strict=True)) for name, row in zip(self.names, rows, strict=True)}

    def marked(self) -> dict[str, tuple[str, ...]]:
        """Columns that are marked in each scan, by its name: nothing where no reader marked anything."""
        columns = np.array(COLUMNS[2:])
        flat = self.marks.reshape(len(self.names), -1)
        return {name: tuple(columns[row].tolist()) for name, row in zip(self.names, flat, strict=True)}


def number_of(name: str) -> int:
    """The case number in a scan's name, by which scans are sorted.

    Raises:
        ValueError: it is no name of a scan.
    """
    found = NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no name of a scan: they are called CQ500-CT-0, CQ500-CT-1, …")
    return int(found[1])


def parse_reads(text: str) -> Reads:
    """The label table in a text of comma-separated values.

    Raises:
        TableRefused: columns are missing, unknown or there twice; a line is too short or too long; a mark is neither 0
            nor 1; a name has another form or is there twice; there is no scan at all.
    """
    lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    names, categories, marks = list[str](), list[str](), list[list[bool]]()
    seen: dict[str, int] = {}
    try:
        order = _order(next(lines, []))
        for cells in lines:
            if not cells:
                continue
            if len(cells) != len(COLUMNS):
                raise TableRefused(f"Line {lines.line_num} has {len(cells)} cells, not {len(COLUMNS)}. {REMEDY}")
            name, category, *values = (cells[column].strip() for column in order)
            _check_name(name, lines.line_num, seen)
            names.append(name)
            categories.append(category)
            marks.append(_marks(values, name, lines.line_num))
    except csv.Error as error:
        raise TableRefused(f"Line {lines.line_num} can't be read ({error}). {REMEDY}") from error
    if not names:
        raise TableRefused(f"The table holds no scan. {REMEDY}")
    return Reads(tuple(names), tuple(categories), np.array(marks).reshape(-1, len(READERS), len(LABELS)))


def reads_text(reads: Reads) -> str:
    """The same table as comma-separated values, in the form that `parse_reads` takes."""
    flat = reads.marks.reshape(len(reads.names), -1).astype(int).tolist()
    rows = zip(reads.names, reads.categories, flat, strict=True)
    return as_csv(COLUMNS, [(name, category, *row) for name, category, row in rows])


def _order(header: Sequence[str]) -> list[int]:
    """The index of each of `COLUMNS` in the table."""
    found = [cell.strip() for cell in header]
    wrong = {
        "misses": [column for column in COLUMNS if column not in found],
        "has the unknown": [column for column in found if column not in COLUMNS],
        "has twice the": [column for column, count in Counter(found).items() if count > 1],
    }
    for words, columns in wrong.items():
        if columns:
            more = f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else ""
            listed = ", ".join(column[:40] or "(empty)" for column in columns[:SHOWN])
            raise TableRefused(f"Line 1 {words} column {listed}{more}; the table needs {len(COLUMNS)}. {REMEDY}")
    return [found.index(column) for column in COLUMNS]


def _check_name(name: str, line: int, seen: dict[str, int]) -> None:
    """Refuse a name of another form, or one that was `seen` (with its line) before; else it is added."""
    if not NAME.fullmatch(name):
        raise TableRefused(f"Line {line}, column name holds {name[:40]!r}, not CQ500-CT- and a number. {REMEDY}")
    if name in seen:
        raise TableRefused(f"Line {line}, column name: {name} stands in line {seen[name]} already. Remove one.")
    seen[name] = line


def _marks(values: Sequence[str], name: str, line: int) -> list[bool]:
    """The marks of a line."""
    for column, value in zip(COLUMNS[2:], values, strict=True):
        if value not in ("0", "1"):
            raise TableRefused(f"Line {line} ({name}), column {column} holds {value[:20]!r}, not 0 or 1. {REMEDY}")
    return [value == "1" for value in values]
