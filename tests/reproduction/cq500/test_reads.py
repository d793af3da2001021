"""The label table of CQ500: every form that is not it is refused with its place; votes, labels and marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import numpy as np
import pytest
from label_tables import BLEED_LEFT, reads_of, table_of

from reproduction.cq500.reads import COLUMNS, LABELS, TableRefused, number_of, parse_reads, reads_text

TEXT = table_of({3: BLEED_LEFT, 11: {"MassEffect": "2"}, 0: {}})


def test_the_table_has_44_columns_as_the_data_set_has_them() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 44
    assert COLUMNS[:3] == ("name", "Category", "R1:ICH")
    assert COLUMNS[15:17] == ("R1:MidlineShift", "R2:ICH")
    assert COLUMNS[-1] == "R3:MidlineShift"


def test_a_table_is_read_and_written_the_same() -> None:
    reads = parse_reads(TEXT)
    assert reads.names == ("CQ500-CT-3", "CQ500-CT-11", "CQ500-CT-0")
    assert reads.categories == ("B1", "B1", "B1")
    assert reads.marks.shape == (3, 3, 14)
    assert reads_text(reads) == TEXT


def test_columns_may_stand_in_another_order() -> None:
    rows = [row[::-1] for row in csv.reader(io.StringIO(TEXT))]
    backwards = "\r\n".join(",".join(row) for row in rows) + "\r\n\r\n"
    again = parse_reads("\ufeff" + backwards)
    assert again.names == parse_reads(TEXT).names
    np.testing.assert_array_equal(again.marks, parse_reads(TEXT).marks)


def test_two_of_three_make_a_vote() -> None:
    """All eight ways to mark a label, counted by hand."""
    ways = ["", "1", "2", "3", "12", "13", "23", "123"]
    reads = reads_of({number: {"SAH": way, "BleedLocation-Right": way} for number, way in enumerate(ways)})
    expected = [False, False, False, False, True, True, True, True]
    for label in ("SAH", "BleedLocation-Right"):
        assert [labels[label] for labels in reads.labels().values()] == expected
        assert reads.votes()[:, LABELS.index(label)].tolist() == expected
    assert not any(labels["BleedLocation-Left"] for labels in reads.labels().values())


def test_every_mark_is_named() -> None:
    marked = parse_reads(TEXT).marked()
    assert marked["CQ500-CT-0"] == ()
    assert marked["CQ500-CT-11"] == ("R2:MassEffect",)
    assert marked["CQ500-CT-3"] == tuple(
        f"R{n}:{label}" for n in (1, 2, 3) for label in ("ICH", "SDH", "BleedLocation-Left")
    )


def without(column: str) -> Callable[[list[list[str]]], object]:
    return lambda rows: [row.pop(rows_index(rows, column)) for row in reversed(rows)]


def rows_index(rows: list[list[str]], column: str) -> int:
    return rows[0].index(column)


def cell(line: int, column: str, value: str) -> Callable[[list[list[str]]], object]:
    return lambda rows: rows[line - 1].__setitem__(rows_index(rows, column), value)


REFUSED = {
    "a column is missing": (without("R2:SDH"), "Line 1 misses column R2:SDH; the table needs 44"),
    "a column is unknown": (lambda rows: [row.append("0") for row in rows], "Line 1 has the unknown column 0;"),
    "a column is there twice": (lambda rows: rows[0].append("R1:ICH"), "Line 1 has twice the column R1:ICH;"),
    "many are missing": (
        lambda rows: rows.__setitem__(0, ["name"]),
        "misses column Category, R1:ICH, R1:IPH and 40 more",
    ),
    "a mark is no mark": (
        cell(3, "R3:Fracture", "2"),
        r"Line 3 \(CQ500-CT-11\), column R3:Fracture holds '2', not 0 or 1",
    ),
    "a mark is empty": (cell(2, "R1:IVH", ""), r"Line 2 \(CQ500-CT-3\), column R1:IVH holds '', not 0 or 1"),
    "a mark is a decimal": (cell(2, "R1:IVH", "1.0"), "column R1:IVH holds '1.0'"),
    "a name has another form": (cell(4, "name", "CQ500CT0"), "Line 4, column name holds 'CQ500CT0', not CQ500-CT-"),
    "a name is there twice": (cell(4, "name", "CQ500-CT-3"), "CQ500-CT-3 stands in line 2 already. Remove one"),
    "a line is short": (lambda rows: rows[2].pop(), "Line 3 has 43 cells, not 44"),
    "there is no scan": (lambda rows: rows.__delitem__(slice(1, None)), "The table holds no scan"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_another_table_is_refused_with_the_place_and_a_remedy(what: str) -> None:
    change, match = REFUSED[what]
    rows = list(csv.reader(io.StringIO(TEXT)))
    change(rows)
    text = "\n".join(",".join(row) for row in rows) + "\n"
    with pytest.raises(TableRefused, match=match) as error:
        parse_reads(text)
    assert "Remove one" in str(error.value) or "Use the reads.csv of CQ500 as it was downloaded" in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("text", ["", "name;Category\n", 'name,"Categ\nory\n'])
def test_what_is_no_table_at_all_is_refused(text: str) -> None:
    with pytest.raises(TableRefused, match=r"Line \d+ (misses column|can't be read)"):
        parse_reads(text)


def test_numbers_of_names() -> None:
    assert number_of("CQ500-CT-490") == 490
    with pytest.raises(ValueError, match="'CQ500-CT-007' is no name of a scan"):
        number_of("CQ500-CT-007")
