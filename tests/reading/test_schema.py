"""The published form of `inspect --json`: the file is the one that the code makes, and it tells right from wrong."""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from dicom_series import write_series
from published_forms import SCHEMA, SERIES_WORDS, schema, schema_text

from scripts.commands.inspect import as_json
from scripts.findings import TABLE
from scripts.reading.inputs import SeriesRow, inspect_input


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is printed of an accepted series."""
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, edit=lambda d, k: setattr(d, "PatientAge", "010Y"))
    return as_json(inspect_input(folder))


def test_the_file_is_up_to_date() -> None:
    command = "PYTHONPATH=bundle python tests/support/published_forms.py"
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), command


def test_it_is_a_schema_and_holds_every_code_once() -> None:
    form = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(form)
    kinds = form["properties"]["findings"]["items"]["oneOf"]
    codes = [
        (code, kind["properties"]["severity"]["const"]) for kind in kinds for code in kind["properties"]["code"]["enum"]
    ]
    assert sorted(codes) == sorted((kind.code, kind.severity) for kind in TABLE)


def test_every_entry_of_a_series_has_words() -> None:
    assert list(SERIES_WORDS) == [field.name for field in fields(SeriesRow)]


def test_what_is_printed_fits(printed: dict[str, Any], tmp_path: Path) -> None:
    jsonschema.validate(printed, schema())
    jsonschema.validate(as_json(inspect_input(tmp_path / "missing")), schema())


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("format_version",), 2),
        (("accepted",), False),
        (("volume",), None),
        (("source",), "jpeg"),
        (("findings", 0, "code"), "no_such_code"),
        (("findings", 0, "severity"), "refusal"),
        (("findings", 0, "message"), "x" * 401),
        (("findings", 0, "file"), "name of a patient"),
        (("series", 0, "patient"), "name of a patient"),
        (("series", 0, "spacing_mm"), "3"),
        (("volume", "shape"), [48, 44]),
        (("PatientName",), "Invented^Patient"),
    ],
)
def test_anything_else_does_not_fit(printed: dict[str, Any], where: tuple[str | int, ...], value: Any) -> None:
    spoilt = copy.deepcopy(printed)
    place: Any = spoilt
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoilt, schema())
