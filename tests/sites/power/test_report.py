from __future__ import annotations

from typing import Any

import pytest

from scripts.files.tables import from_csv
from scripts.sites.power.report import lesions_csv, sentences, shares, table


def row(case: str, outcome: str = "found", kind: str = "subdural", ml: float = 5.0, hu: float = 30.0) -> dict[str, Any]:
    known = outcome in ("found", "missed")
    more = {"contrast_hu": hu, "listed": outcome == "found"} if known else {}
    return {"case": case, "number": 0, "kind": kind, "volume_ml": ml, "outcome": outcome, **more}


def test_shares_are_by_kind_volume_and_contrast_and_count_what_says_something() -> None:
    rows = [row("a"), row("b", "missed"), row("b", ml=1.0, hu=-4.0), row("c", "above before"), row("c", "does not fit")]
    found = {(s.volume_ml, s.contrast): (s.found, s.lesions, s.scans) for s in shares(rows)}
    assert found == {
        (None, None): (2, 3, 2),
        (1.0, None): (1, 1, 1),
        (5.0, None): (1, 2, 2),
        (None, "below 10 HU"): (1, 1, 1),
        (None, "25 HU or more"): (1, 2, 2),
    }


def test_a_share_of_one_scan_has_no_interval() -> None:
    one, two = shares([row("a"), row("a", "missed")])[0], shares([row("a"), row("b", "missed")])[0]
    assert one.in_words() == "50 %"
    assert one.as_dict()["low"] is None
    assert two.in_words().startswith("50 % [")


def test_the_table_has_a_row_for_each_kind() -> None:
    made = table(shares([row("a"), row("b", kind="infarct", ml=10.0, hu=-9.0)]))
    assert made.header == ("kind", "all", "5 ml", "10 ml", "below 10 HU", "10 to 25 HU", "25 HU or more")
    assert made.rows[0] == ("subdural", "100 % (1/1)", "100 % (1/1)", None, None, None, "100 % (1/1)")


@pytest.mark.parametrize(
    ("scans", "words"), [(1, "One scan says nothing about others"), (5, "5 scans are too few to say"), (20, "")]
)
def test_few_scans_say_what_they_leave_open(scans: int, words: str) -> None:
    rows = [row(str(case), "found" if case % 2 else "missed") for case in range(scans)]
    said = sentences(rows, shares(rows), scans, 0)
    assert said[0].startswith(f"{scans} lesion")
    assert (words in said[-1]) if words else len(said) == 1


def test_false_alarms_and_what_could_not_be_judged_are_told() -> None:
    rows = [row("a"), row("a", "above before"), row("b", "does not fit"), row("b", "no score")]
    said = " ".join(sentences(rows, shares(rows), 2, 1))
    assert "1 of 4 hemispheres was above the threshold without a lesion" in said
    assert "1 lesion did not fit" in said
    assert "1 lesion got no score, which is neither found nor missed" in said
    assert sentences([], [], 2, 0)[-1] == "Nothing can be said: no lesion could be judged."


def test_the_csv_has_a_line_for_each_lesion() -> None:
    columns, rows = from_csv(lesions_csv([row("a"), row("b", "does not fit")]))
    assert columns[0] == "case"
    assert [line["outcome"] for line in rows] == ["found", "does not fit"]
    assert rows[1]["contrast_hu"] == ""
