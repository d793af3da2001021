"""What is published of the findings, made from their table: `docs/findings.md`, and a schema (JSON, draft 2020-12).

The schema is that of `head-ct-anomaly inspect --json`; it is made of what `inputs.py` lists of a series, too. Neither
can change without both files: `PYTHONPATH=bundle python tests/support/published_forms.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_type_hints

from scripts.commands.inspect import FORMAT_VERSION
from scripts.findings import FLAG, INFORMATION, MAX_MESSAGE, REFUSAL, TABLE
from scripts.reading.inputs import SeriesRow

ROOT = Path(__file__).resolve().parents[2]
PAGE, SCHEMA = ROOT / "docs" / "findings.md", ROOT / "bundle" / "docs" / "inspect.schema.json"

SECTIONS = (
    (REFUSAL, "Refused", "There is no heatmap, nothing is written, and the exit code is 3."),
    (FLAG, "Flagged", "There is a heatmap; the flag is in `result.json`. Read the result with it in mind."),
    (INFORMATION, "Noted", "The result is read as usual."),
)
"""The sections of the page: severity, heading and meaning."""

UNNOTICED = (
    "A scan that was mirrored, left for right, before it was read: heads are nearly symmetric.",
    "A constant HU offset of 20 or less: healthy brains vary as much.",
    "A slice distance that is wrong by 10 % or less: heads vary as much.",
    "Missing slices at the top or the bottom, unless they cut a region (flag `region_cut`).",
    "A header that is wrong but plausible: another patient's name or age, contrast agent that was not entered.",
)
"""Faults of an input that nothing notices, and their consequences."""


def findings_page() -> str:
    """The page `docs/findings.md`."""
    lines = [
        "# Findings about an input",
        "",
        "A scan is read correctly or refused; anything unusual about an accepted scan is flagged.",
        "`head-ct-anomaly inspect` lists the findings, with `--json` for programs (schema:",
        "`bundle/docs/inspect.schema.json`). This page is made from the table in `bundle/scripts/findings.py`:",
        "`PYTHONPATH=bundle python tests/support/published_forms.py`.",
    ]
    for severity, heading, meaning in SECTIONS:
        rows = [f"| {kind.condition} | {kind.remedy} | `{kind.code}` |" for kind in TABLE if kind.severity == severity]
        if rows:
            lines += ["", f"## {heading}", meaning, "", "| when | what to do | code |", "|---|---|---|", *rows]
    lines += ["", "## Not noticed", *(f"* {text}" for text in UNNOTICED)]
    return "\n".join(lines) + "\n"


SEVERITIES = tuple(sorted({kind.severity for kind in TABLE}))
"""The severities that occur."""

FORMS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    int | None: {"type": ["integer", "null"]},
    float | None: {"type": ["number", "null"]},
    tuple[str, ...]: {"type": "array", "items": {"enum": sorted(kind.code for kind in TABLE if kind.severity == FLAG)}},
}
"""JSON types of the Python types in the list of series."""

SERIES_WORDS = {
    "series_uid": "SeriesInstanceUID: what --series-uid takes",
    "series_number": "SeriesNumber, null where it is not stated",
    "kind": "image, or why it can't be part of a head CT: not CT, colour, capture, localizer",
    "images": "images, those that are there twice counted twice",
    "slices": "different positions of images",
    "spacing_mm": "usual distance of slices, null where it is unknown",
    "coverage_mm": "what the slices cover along their normal",
    "kernel": "ConvolutionKernel, as the header says it",
    "contrast": "whether the header suggests contrast agent",
    "objections": "codes of the flags that it would get if it were named; a bone kernel may serve the skull",
    "chosen": "whether it is the one that is registered, on whose grid results lie",
    "serves": "what is judged by it, once the input is accepted: brain, skull, both or nothing",
}
"""Meanings of the entries of a series."""


def schema() -> dict[str, Any]:
    """The schema as plain values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "head-ct-anomaly inspect --json",
        "type": "object",
        "additionalProperties": False,
        "required": ["format_version", "accepted", "source", "series", "findings", "volume"],
        "properties": {
            "format_version": {"const": FORMAT_VERSION},
            "accepted": {"type": "boolean", "description": "whether a heatmap can be made of the input"},
            "source": {"enum": ["dicom", "nifti", "none"]},
            "series": {"type": "array", "items": _series()},
            "findings": {"type": "array", "items": {"oneOf": [_finding(severity) for severity in SEVERITIES]}},
            "volume": {"anyOf": [{"type": "null"}, _volume()]},
        },
        "if": {"properties": {"accepted": {"const": True}}},
        "then": {
            "properties": {
                "volume": {"type": "object"},
                "findings": {"not": {"contains": {"properties": {"severity": {"const": REFUSAL}}}}},
            }
        },
        "else": {
            "properties": {
                "volume": {"type": "null"},
                "findings": {"contains": {"properties": {"severity": {"const": REFUSAL}}}},
            }
        },
    }


SERVES = {"type": "array", "items": {"enum": ["brain", "skull"]}, "uniqueItems": True}
"""JSON type of what a series serves."""


def _series() -> dict[str, Any]:
    """One series."""
    types = get_type_hints(SeriesRow)
    forms = {name: SERVES if name == "serves" else FORMS[kind] for name, kind in types.items()}
    entries = {name: {**form, "description": SERIES_WORDS[name]} for name, form in forms.items()}
    return {"type": "object", "additionalProperties": False, "required": list(types), "properties": entries}


def _finding(severity: str) -> dict[str, Any]:
    """One finding of a severity: its code is one of the table's."""
    entries = {
        "code": {"enum": [kind.code for kind in TABLE if kind.severity == severity]},
        "severity": {"const": severity},
        "message": {"type": "string", "minLength": 1, "maxLength": MAX_MESSAGE},
    }
    return {"type": "object", "additionalProperties": False, "required": list(entries), "properties": entries}


def _volume() -> dict[str, Any]:
    """The grid of the volume that is used."""
    row = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
    size = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 3, "maxItems": 3}
    affine = {"type": "array", "items": row, "minItems": 4, "maxItems": 4, "description": "voxel indices to RAS mm"}
    entries = {"shape": size, "affine": affine}
    return {"type": "object", "additionalProperties": False, "required": list(entries), "properties": entries}


def schema_text() -> str:
    """The file `bundle/docs/inspect.schema.json`."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    PAGE.write_text(findings_page(), encoding="utf-8")
    SCHEMA.write_text(schema_text(), encoding="utf-8")
