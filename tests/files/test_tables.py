"""Tables read as Markdown and as CSV have it, and come back from CSV."""

from __future__ import annotations

import csv
import io

from scripts.files.tables import Table, as_csv, from_csv


def test_markdown_and_csv() -> None:
    table = Table(("a", "b"), ((1, "x, y"), ("2", None)), ("First.", "Second."))
    assert table.markdown() == "| a | b |\n|---|---|\n| 1 | x, y |\n| 2 |  |\n\nFirst.\n\nSecond.\n"
    assert list(csv.reader(io.StringIO(table.csv()))) == [["a", "b"], ["1", "x, y"], ["2", ""]]
    assert Table(("", "n"), (("x", 3),)).markdown() == "| | n |\n|---|---|\n| x | 3 |\n"


def test_what_is_written_comes_back() -> None:
    text = as_csv(("name", "words"), [("a", 'so, "so"\nthen'), ("b", 0.1)])
    assert from_csv(text) == (
        ["name", "words"],
        [{"name": "a", "words": 'so, "so"\nthen'}, {"name": "b", "words": "0.1"}],
    )
    assert from_csv("") == ([], [])


def test_rows_of_another_length_can_be_told() -> None:
    _, (short, long) = from_csv("a,b\n1\n1,2,3\n")
    assert None in short.values()
    assert None in long
