"""Templates escape what they show, include what stands beside them, and miss nothing silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from scripts.files.templates import rendered


def test_values_are_escaped_and_markup_is_not(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<style>{% include "page.css" %}</style>{{ name }}{{ chart | safe }}')
    (tmp_path / "page.css").write_text("b { color: red }")
    text = rendered(tmp_path / "page.html", name="<9>", chart="<svg></svg>")
    assert text == "<style>b { color: red }</style>&lt;9&gt;<svg></svg>"


def test_a_missing_value_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("{{ name }}")
    with pytest.raises(UndefinedError, match="'name' is undefined"):
        rendered(tmp_path / "page.html")
