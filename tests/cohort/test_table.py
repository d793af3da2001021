"""The table of scores: what is written is what is read, and what is wrong in it is said with its row."""

from __future__ import annotations

from pathlib import Path

import pytest
from result_record import RESULT

from scripts.cohort.index import excess
from scripts.cohort.table import (
    TABLE_NAME,
    WORKLIST,
    Row,
    counts_in_words,
    read_short,
    read_table,
    row_of,
    short_text,
    table_text,
    with_q_values,
)
from scripts.errors import WrongUsage

ROWS = [
    row_of("one", RESULT),
    Row("two", "refused", 'There is no CT image. Give a "head", please.', seconds=0.5),
    Row("three", "failed", "killed"),
]


def write(folder: Path, text: str) -> Path:
    (folder / "score_details.csv").write_text(text, encoding="utf-8")
    return folder / "score_details.csv"


def test_the_columns_and_the_first_rows() -> None:
    lines = table_text(ROWS).splitlines()
    assert lines[0].startswith("case,status,reason,left_hemisphere,right_hemisphere,skull,left_hemisphere.calibrated_")
    assert lines[0].endswith("skull.calibrated_maximum,skull.raw_maximum,skull.voxels,seconds")
    assert lines[1] == "one,done,,2.5,0.3333333333333333,,2.5,10.0,12,0.3333333333333333,0.1,11,,,0,3.75"
    assert lines[2].startswith('two,refused,"There is no CT image. Give a ""head"", please.",,,')
    assert lines[3].endswith(",0.0")


def test_cases_are_counted_in_words() -> None:
    assert counts_in_words({"refused": 1, "done": 8}) == "9 cases: 8 done, 1 refused"
    assert counts_in_words({}) == "0 cases"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = read_table(write(tmp_path, table_text(ROWS)))
    assert rows == ROWS
    assert rows[0].score("right_hemisphere") == 1 / 3
    assert rows[0].score("left_hemisphere", "raw_maximum") == 10
    assert rows[0].score("skull") is rows[1].score("skull") is rows[1].score("skull", "raw_maximum") is None
    assert rows[0].score("left_hemisphere", "unknown") is None


def test_a_table_of_refused_cases_only(tmp_path: Path) -> None:
    assert read_table(write(tmp_path, table_text(ROWS[1:]))) == ROWS[1:]


@pytest.mark.parametrize("value", ["nan", "inf", "much"])
def test_a_score_that_is_no_number_is_said_with_its_row(tmp_path: Path, value: str) -> None:
    path = write(tmp_path, table_text(ROWS).replace("10.0", value))
    with pytest.raises(
        WrongUsage, match=rf"Row 2 of .*score_details.csv \(one\): left_hemisphere.raw_maximum is {value}"
    ):
        read_table(path)


@pytest.mark.parametrize(("before", "after"), [(",3.75", ",3.75,9"), (",,0,3.75", "")])
def test_a_row_of_another_length_is_said(tmp_path: Path, before: str, after: str) -> None:
    path = write(tmp_path, table_text(ROWS).replace(before, after))
    with pytest.raises(WrongUsage, match=r"Row 2 of .*score_details.csv \(one\) has too few or too many cells\. Run"):
        read_table(path)


def test_a_status_that_is_none_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, table_text(ROWS).replace("one,done", "one,Done"))
    with pytest.raises(WrongUsage, match=r"\(one\): status is 'Done', none of done, refused, failed\. Correct it\."):
        read_table(path)


def test_a_case_that_stands_there_twice(tmp_path: Path) -> None:
    path = write(tmp_path, table_text([*ROWS, ROWS[0]]))
    with pytest.raises(WrongUsage, match=r"Row 5 of .*: one stands there twice\. Remove one\."):
        read_table(path)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "case,status,reason\n"])
def test_what_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongUsage, match="is no table of scores: it has no column"):
        read_table(write(tmp_path, text))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"can't be read .* Run `head-ct-anomaly cohort` first\."):
        read_table(tmp_path / "score_details.csv")


def test_the_short_table_has_what_is_looked_at() -> None:
    found = {
        "quality": {"verdict": "review"},
        "findings": [
            {"code": "thick_slices", "severity": "flag", "message": ""},
            {"code": "metal", "severity": "flag", "message": ""},
        ],
        "detections": [{"region": "brain", "kind": "brain", "side": "left", "volume_ml": 3.2, "peak": 5.0}] * 2,
        "outputs": {"overview.png": ""},
        "score_details": {"left_hemisphere": {"threshold": 2.00049}, "right_hemisphere": {}, "skull": {}},
    }
    header, *lines = short_text([row_of("one", {**RESULT, **found}), *ROWS[1:]], "cases").splitlines()
    assert header == (
        "case,status,left_hemisphere,right_hemisphere,skull,left_hemisphere_threshold,right_hemisphere_threshold,"
        "skull_threshold,p_value,q_value,verdict,flags,detections,first_detection,picture,report,reason"
    )
    assert lines == [
        'one,done,2.5,0.333,,2.0,,,,,review,thick_slices metal,2,"brain, left, 3 ml, peak 5.0",'
        "cases/one/overview.png,,",
        'two,refused,,,,,,,,,,,,,,,"There is no CT image. Give a ""head"", please."',
        "three,failed,,,,,,,,,,,,,,,killed",
    ]


@pytest.mark.parametrize(
    ("score", "limit", "written"),
    [
        (2.0004, 2.0001, "2.0004,,,2.0001"),
        (2.0005, 2.0004, "2.001,,,2.0"),
        (1.9996, 2.0, "2.0,,,2.0"),
        (2.0, 2.0004, "2.0,,,2.0"),
        (2.0, 2.0, "2.0,,,2.0"),
        (2.00049, 2.00051, "2.0,,,2.001"),
    ],
)
def test_a_score_just_above_its_threshold_stays_above_it(
    score: float, limit: float, written: str, tmp_path: Path
) -> None:
    row = Row("one", "done", "", {"left_hemisphere": score}, {"left_hemisphere": {"threshold": limit}})
    path = tmp_path / TABLE_NAME
    path.write_text(short_text([row]), encoding="utf-8")
    assert f"one,done,{written},,,,,," in path.read_text(encoding="utf-8")
    (read,) = read_short(path)
    assert ((excess(read) or 0) > 1) is (score > limit)


def compared(case: str, below: int) -> Row:
    """A case of which one hemisphere is above so many of 168 healthy scores."""
    return Row(case, "done", "", {}, {"left_hemisphere": {"healthy_below": below, "healthy_scores": 168}})


def test_p_and_q_values_stand_in_the_short_table_and_are_read(tmp_path: Path) -> None:
    rows = [compared("ill", 168), compared("calm", 84), Row("foot", "refused", "There is no head.")]
    path = tmp_path / TABLE_NAME
    path.write_text(short_text(rows), encoding="utf-8")
    found = {row.case: (row.found.p_value, row.found.q_value) for row in read_short(path)}
    assert found["ill"] == (round(1 / 169, 6), round(2 * round(1 / 169, 6), 6))
    assert found["calm"] == (round(85 / 169, 6),) * 2
    assert found["foot"] == (None, None)


def test_a_short_table_of_before_is_read_without_them(tmp_path: Path) -> None:
    columns, *lines = (line.split(",") for line in short_text([compared("ill", 168)]).splitlines())
    kept = [place for place, name in enumerate(columns) if name not in WORKLIST]
    path = tmp_path / TABLE_NAME
    text = "\n".join(",".join(cells[place] for place in kept) for cells in (columns, *lines))
    path.write_text(text, encoding="utf-8")
    (row,) = read_short(path)
    assert (row.case, row.found.q_value) == ("ill", None)


def test_joined_tables_have_the_q_values_of_all_cases() -> None:
    rows = [compared("one", 168), compared("two", 84), compared("three", 160), Row("four", "failed", "killed")]
    whole = [line.split(",") for line in short_text(rows).splitlines()]
    parts = [[line.split(",") for line in short_text(part).splitlines()] for part in (rows[:1], rows[1:])]
    assert with_q_values(whole[0], [*parts[0][1:], *parts[1][1:]]) == whole[1:]
    assert parts[0][1] != whole[1]
