"""The table of the benchmark of fractures, and which files it keeps what in."""

from __future__ import annotations

from types import SimpleNamespace

import fractures
import pytest


def cells(text: str) -> list[str]:
    """The cells of the only row of a table."""
    return [cell.strip() for cell in text.splitlines()[-1].strip("|").split("|")]


def test_thin_slices_are_compared_with_thin_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds 1 and 2 have thin slices; the healthy head of seed 3, in thick ones, scores as high as any fracture."""
    monkeypatch.setattr(fractures, "stream", lambda seed, name: seed)
    monkeypatch.setattr(fractures, "draw_protocol", lambda seed: SimpleNamespace(thickness_mm=1.0 if seed < 3 else 5.0))
    name = "residual | maximum"
    rows = [(None, seed, {name: value}) for seed, value in ((1, 1.0), (2, 2.0), (3, 9.0))]
    rows += [("linear_fracture", 1, {name: 3.0, "residual | place": 0.75}), ("linear_fracture", 3, {name: 5.0})]
    text = fractures.table(rows)
    heads = [cell.strip() for cell in text.splitlines()[0].strip("|").split("|")]
    found = dict(zip(heads, cells(text), strict=True))
    assert found == {
        "score": "residual, maximum",
        "linear (2)": "0.67",  # each beats 1 and 2, not 9
        "depressed (0)": "-",
        "diastatic (0)": "-",
        "all (2)": "0.67",
        "slices up to 2 mm (1)": "1.00",
        "pairs": "0.50",
        "place": "0.75",
    }


def test_without_a_healthy_head_in_thin_slices_there_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fractures, "stream", lambda seed, name: seed)
    monkeypatch.setattr(
        fractures, "draw_protocol", lambda seed: SimpleNamespace(thickness_mm=1.0 if seed == 2 else 5.0)
    )
    name = "residual | maximum"
    assert cells(fractures.table([(None, 1, {name: 1.0}), ("linear_fracture", 2, {name: 2.0})]))[5] == "-"


def test_heads_are_kept_by_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fractures.drawn_by()
    monkeypatch.setattr(fractures, "simulator_sha256", lambda: "another" * 9)
    assert fractures.drawn_by() == before, "what runs does not change"
    fractures.drawn_by.cache_clear()
    assert fractures.drawn_by() == "anotheranoth"
    fractures.drawn_by.cache_clear()
