"""The table of findings."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.findings import (
    FLAG,
    INFORMATION,
    KINDS,
    REFUSAL,
    TABLE,
    InputRefused,
    as_markdown,
    counted,
    finding,
    refusal,
)


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


def test_no_remedy_speaks_of_what_nothing_checks() -> None:
    assert "mirror" not in KINDS["registration_failed"].remedy
    assert "upside" not in KINDS["registration_failed"].remedy, "a head that lies upside down is found"


def test_the_page_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "findings.md"
    assert page.read_text(encoding="utf-8") == as_markdown(), "python bundle/scripts/findings.py > docs/findings.md"
