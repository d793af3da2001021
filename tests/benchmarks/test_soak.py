"""benchmarks/soak.py in short: inputs that are refused, again and again in one process, leave nothing in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import soak
from pipeline_runs import temporary

MORE_MB = 300
"""Resident memory may differ by so much: a leak of one volume at each of `ROUNDS` is larger."""

ROUNDS = 3


def test_refused_inputs_leave_nothing_in_the_process(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    inputs = soak.refused_inputs(tmp_path)
    held = []
    with temporary(tmp_path / "temporary"):
        for _ in range(ROUNDS):
            assert [soak.said("run", str(scan), "-o", str(tmp_path / "out")) for scan in inputs] == [3, 3, 3]
            held.append(soak.holdings(tmp_path / "temporary"))
    for name in ("descriptors", "threads"):
        assert held[-1][name] == held[0][name], name
    assert held[-1]["entries"] == 0
    assert held[-1]["resident_mb"] < held[0]["resident_mb"] + MORE_MB
    assert not (tmp_path / "out").exists()


def test_growth_is_what_comes_after_warming() -> None:
    values = [*range(soak.WARMING), *(100 + 2.0 * n for n in range(20))]
    assert soak.slope(values) == pytest.approx(2)
    rows = [{"scan": n, **dict.fromkeys(soak.FACTS, value)} for n, value in enumerate(values)]
    lines = soak.table(rows).splitlines()
    assert lines[0].startswith("| 30 scans | after 10 |")
    assert lines[2] == "| resident_mb | 9 | 138 | 138 | +2.000 |"
    assert len(lines) == 2 + len(soak.FACTS)


def test_negative_control_what_is_held_is_counted(tmp_path: Path) -> None:
    before = soak.holdings(tmp_path)
    (tmp_path / "left").mkdir()
    with (tmp_path / "left" / "open").open("w"):
        held = soak.holdings(tmp_path)
    assert held["descriptors"] == before["descriptors"] + 1
    assert (before["entries"], held["entries"]) == (0, 2)
