"""The table of findings."""

from __future__ import annotations

import pytest

from scripts.findings import FLAG, INFORMATION, KINDS, REFUSAL, TABLE, InputRefused, finding, refusal


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
