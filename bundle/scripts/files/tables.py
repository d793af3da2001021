"""Tables as Markdown, to be printed, and as comma-separated values (CSV), to be read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Cells = tuple[Any, ...]
"""One cell a column; None is an empty one."""


@dataclass(frozen=True)
class Table:
    """A table; the notes are sentences below it."""

    header: Cells
    rows: tuple[Cells, ...]
    notes: tuple[str, ...] = field(default=())

    def markdown(self) -> str:
        """The table, then its notes, each after an empty line."""
        lines = [f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |" for row in self.rows]
        above = [f"|{''.join(f' {cell} |' if cell else ' |' for cell in self.header)}", "|---" * len(self.header) + "|"]
        return "\n".join([*above, *lines, *(f"\n{note}" for note in self.notes)]) + "\n"

    def csv(self) -> str:
        """The table without its notes."""
        return as_csv(self.header, self.rows)


def as_csv(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> str:
    """A header and rows as comma-separated values, a line each."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def from_csv(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of comma-separated values with a header, and the cells of each row by column.

    As `csv.DictReader` has it, too many cells stand under None, and too few are None.

    Raises:
        csv.Error: the text is no such table.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = list(reader)
    return list(reader.fieldnames or ()), rows
