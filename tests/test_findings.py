"""The table of findings."""

from __future__ import annotations

import pytest
from published_forms import PAGE, findings_page

from scripts.findings import FLAG, INFORMATION, KINDS, MAX_MESSAGE, REFUSAL, TABLE, InputRefused, finding, refusal
from scripts.words import counted, shortened


def test_codes_are_unique_and_every_row_is_complete() -> None:
    assert len(KINDS) == len(TABLE)
    for kind in TABLE:
        assert kind.code.isidentifier()
        assert kind.severity in (REFUSAL, FLAG, INFORMATION)
        assert kind.condition
        assert kind.severity != REFUSAL or kind.remedy.endswith("."), f"{kind.code}: a refusal names a remedy"


def test_message_is_what_is_wrong_and_what_to_do() -> None:
    found = finding("path_missing", "'/nowhere' does not exist.")
    assert found.message == f"'/nowhere' does not exist. {KINDS['path_missing'].remedy}"
    assert found.severity == REFUSAL


def test_series_uid_stays_out_of_results() -> None:
    assert set(finding("path_missing", "x", series_uid="1.2.3").as_dict()) == {"code", "severity", "message"}


def test_a_refusal_says_its_reason() -> None:
    error = refusal("path_missing", "'/nowhere' does not exist.")
    assert isinstance(error, InputRefused)
    assert isinstance(error, ValueError)
    assert str(error).startswith("'/nowhere' does not exist.")
    assert [f.code for f in error.findings] == ["path_missing"]


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_such_code"):
        finding("no_such_code", "x")


def test_numbers_agree_with_their_nouns() -> None:
    assert [counted(n, "slice") for n in (0, 1, 2)] == ["0 slices", "1 slice", "2 slices"]
    assert counted(2, "image that is not CT", "images that are not CT") == "2 images that are not CT"


def test_a_message_is_one_printable_line_and_keeps_its_remedy() -> None:
    found = finding("corrupt_file", "The file a\nb\x1b[31m\udcff\u202e " + "x" * 500 + " is bad.")
    assert found.message.isprintable()
    assert found.message.startswith("The file a b?[31m?? xxx")
    assert found.message.endswith(f"x ... {KINDS['corrupt_file'].remedy}")
    assert len(found.message) <= MAX_MESSAGE


def test_what_is_short_stays() -> None:
    assert shortened("abcde", 5) == "abcde"
    assert shortened("abcdefghij", 8) == "abcd ..."


def test_the_page_has_every_row_once_under_its_heading() -> None:
    refused, flagged = findings_page().split("## Flagged")
    for kind in TABLE:
        assert findings_page().count(f"| `{kind.code}` |") == 1
        assert (f"| `{kind.code}` |" in refused) is (kind.severity == REFUSAL)
    assert "mirrored" in flagged.split("## Not noticed")[1]


def test_no_remedy_speaks_of_what_nothing_checks() -> None:
    assert "mirror" not in KINDS["registration_failed"].remedy
    assert "upside" not in KINDS["registration_failed"].remedy, "a head that lies upside down is found"


def test_the_page_is_up_to_date() -> None:
    command = "PYTHONPATH=bundle python tests/support/published_forms.py"
    assert PAGE.read_text(encoding="utf-8") == findings_page(), command
