"""`audit.html`: the audit as one page, which opens from the disk, without a script, a server or a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...files.templates import rendered
from .charts import qq_plot, rate_chart
from .facts import FACTORS, MONTH
from .judged import HEMISPHERE, SKULL
from .looks import MEASURES
from .sentences import PLURALS, interval

TITLES = {
    **{"scanner": "Scanner", "kernel": "Kernel", "thickness": "Slice thickness", "age": "Age", "sex": "Sex"},
    MONTH: "Month",
}
"""Titles of the groups."""

WHATS = {
    "above": "share above the threshold",
    "rank": "height of the scores",
    "spread": "spread of the scores",
    "trend": "trend along months",
}
"""What each test is of, in words."""

MOST_TESTS = 15
"""Tests on the page: those of the smallest p-values."""


def audit_page(content: Mapping[str, Any]) -> bytes:
    """The page of the content of `audit.json`, in UTF-8."""
    shown = {**content["groups"], MONTH: content["months"]}
    compared = {name: [row for row in rows if "p_values" in row] for name, rows in shown.items()}
    text = rendered(
        Path(__file__).with_name("audit.html"),
        content=content,
        sites={PLURALS[part]: content["rates"][part] for part in (HEMISPHERE, SKULL)},
        qq=qq_plot({PLURALS[part]: points for part, points in content["p_values"].items()}, "p-values of the site"),
        groups=[_section(name, rows, content) for name in (*FACTORS, MONTH) if (rows := compared[name])],
        left={TITLES[name]: _left(rows) for name, rows in shown.items() if _left(rows)},
        images=_image_rows(content["images"]),
        measures=[f"{one.words}{', ' * bool(one.unit)}{one.unit}" for one in MEASURES.values()],
        tests=[_row(test) for test in content["tests"][:MOST_TESTS]],
        interval=interval,
    )
    return text.encode()


def _section(name: str, rows: list[dict[str, Any]], content: Mapping[str, Any]) -> dict[str, Any]:
    """A factor's charts and table."""
    title = TITLES[name]
    rates = {row["value"]: row["hemisphere"] for row in rows}
    curves = {row["value"]: row["p_values"]["hemisphere"] for row in rows}
    drawn = rate_chart(rates, content["expected_percent"], f"hemispheres above the threshold by {title.lower()}")
    qq = "" if name == MONTH else qq_plot(curves, f"p-values of hemispheres by {title.lower()}")
    return {"title": title, "rows": rows, "rates": drawn, "qq": qq}


def _image_rows(images: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each scanner: its medians in words, and which of them differ."""
    differing = {(test["level"], test["measure"]) for test in images["named"]}
    return [
        {
            "scanner": row["value"],
            "cells": [
                (f"{row[name] * one.factor:.{one.digits}f}" if name in row else "", (row["value"], name) in differing)
                for name, one in MEASURES.items()
            ],
        }
        for row in images["scanners"]
    ]


def _left(rows: list[dict[str, Any]]) -> str:
    """The scans that are in no group, in words."""
    return ", ".join(f"{row['scans']} {row['value']}" for row in rows if "p_values" not in row)


def _row(test: Mapping[str, Any]) -> dict[str, Any]:
    """A test in words."""
    name = TITLES.get(test["factor"], "The site against calibration")
    return {**test, "group": f"{name} {test['level']}".strip(), "question": WHATS[test["what"]]}
