"""The benchmark of the verdict: what it does to a scan, and how it counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import broken
import numpy as np
import pytest
import verdict
from analytic_case import analytic_case
from populations import Options, Scan
from registration_cases import Array, Case
from wrong_poses import STARTS

from scripts.geometry.coordinates import CENTRE_MM
from scripts.registration.register import Registration
from scripts.volume import AIR_HU, UNKNOWN_HU

GOOD = {
    "level": 0.8,
    "peak": 0.04,
    "overlap": 0.7,
    "rotation_deg": 10.0,
    "scale": 1.0,
    "tipped_deg": 9.0,
    "brain_in_view": 1.0,
    "brain_hu": 32.0,
    "intracranial_ml": 1400.0,
    "distortion": 1.1,
}


@pytest.fixture(scope="module")
def case() -> Case:
    """The analytic head."""
    return analytic_case()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_half_a_head_is_cut_at_the_middle_of_the_brain(case: Case, axis: int) -> None:
    for seed in range(3):
        volume, affine = broken.half(axis)(case, np.random.default_rng(seed))
        left = np.argwhere(volume > -300) @ affine[:3, :3] + affine[:3, 3]
        whole = np.argwhere(case.volume > -300) @ affine[:3, :3] + affine[:3, 3]
        sides = np.sign(left[:, axis] - CENTRE_MM[axis])
        assert len(np.unique(sides[sides != 0])) == 1
        assert 0.2 < len(left) / len(whole) < 0.8
        assert set(np.unique(volume[volume < -1010])) <= {AIR_HU, UNKNOWN_HU}


def test_every_break_changes_something_and_keeps_to_volumes(case: Case) -> None:
    for name, change in broken.BREAKS.items():
        volume, affine = change(case, np.random.default_rng(1))
        assert volume.ndim == 3
        assert affine.shape == (4, 4)
        same = volume.shape == case.volume.shape and np.array_equal(volume, case.volume)
        assert not (same and np.allclose(affine, case.affine)), name


def test_kinds_take_turns(case: Case) -> None:
    made = [row for head in range(15) for row in verdict.broken_inputs(replace(case, kind=str(head)), 7 * head)]
    assert len({name for name, _, _ in made}) == len(made) == 105
    assert {kind for _, kind, _ in made} == set(broken.BREAKS)
    assert len(made[0][2]().points) == 0, "no pose is right"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> verdict.Model:
    """A registration that is off by 3 mm, and one wrong pose that is off by 15."""

    def known(volume: object, affine: Array, reference: object, locator: object) -> Registration:
        return Registration(shifted(3.0), {**GOOD, "level": 0.7}, "pass", start="locator")

    monkeypatch.setattr(verdict, "register", known)
    monkeypatch.setattr(verdict, "prepare_scan", lambda *_: None)
    monkeypatch.setattr(verdict, "wrong_poses", lambda *_: iter([(shifted(15.0), {**GOOD, "level": 0.5})]))
    return verdict.Model(reference=None, locator=None)  # type: ignore[arg-type]


def shifted(gap_mm: float) -> Array:
    matrix = np.eye(4)
    matrix[1, 3] = gap_mm
    return matrix


def test_rows_of_a_population(case: Case, model: verdict.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    scans = [Scan("a", lambda: case), Scan("b", lambda: replace(case, lesion=True), first=False)]
    monkeypatch.setitem(verdict.POPULATIONS, "uneven", lambda folder, options: iter(scans))
    words = ("uneven", Path(), Options(Path()), model)
    rows = list(verdict.population_rows(*words, frozenset()))
    assert [row["name"] for row in rows] == ["uneven a start 0", "uneven a", "uneven b"]
    assert [row["group"] for row in rows] == ["start", "scan", "scan"]
    assert [row["error_mm"] for row in rows] == pytest.approx([15.0, 3.0, 3.0])
    assert [verdict.verdict_of(row) for row in rows] == ["fail", "pass", "pass"]
    assert [row["lesion"] for row in rows] == [False, False, True]
    assert [row["name"] for row in verdict.population_rows(*words, frozenset({"uneven a"}))] == ["uneven b"]
    started = frozenset({f"uneven a start {STARTS - 1}"})
    assert [row["name"] for row in verdict.population_rows(*words, started)] == ["uneven a", "uneven b"]


def test_what_is_refused_when_read_has_no_quality(case: Case, model: verdict.Model) -> None:
    row, found = verdict.judged(replace(case, volume=case.volume + 600), model)
    assert found is None
    assert verdict.verdict_of(row) == "unread"
    assert "HU" in row["said"]
    assert "error_mm" not in row


def scan_row(error_mm: float, population: str = "uneven", group: str = "scan", **more: Any) -> dict[str, Any]:
    quality = {**GOOD, "level": more.pop("level", 0.8)}
    row = {"population": population, "group": group, "name": "", "quality": quality, "lesion": False, "said": ""}
    return {**row, "error_mm": error_mm, "start": "search", "cpu_s": 2.0, **more}


def test_the_tables_count_by_error_and_verdict() -> None:
    rows = [
        scan_row(3.0),
        scan_row(9.9, level=0.6),
        scan_row(12.0, level=0.5),
        scan_row(4.0, lesion=True, start="locator", cpu_s=4.0),
        scan_row(10.0, group="start"),
        scan_row(20.0, group="start", level=0.58),
        scan_row(80.0, group="start", level=0.2),
        scan_row(1.0, population="simulator"),
    ]
    lines = list(verdict.summary(rows))
    assert "| uneven, healthy, 3 | 1 | 1 | 0 | 0 | 0 | 1 | 0 | 0 | 0 |" in lines
    assert "| uneven, lesions, 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| uneven, wrong starts, 3 | 0 | 0 | 0 | 1 | 0 | 0 | 0 | 1 | 1 |" in lines
    assert "| simulator, healthy, 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| uneven, 4 | 7.0 | 12.0 | 3 | 2.0 | 4.0 |" in lines
    assert not any("broken" in line for line in lines)


def test_the_table_of_broken_inputs_counts_what_was_let_through() -> None:
    no_head = {**GOOD, "brain_hu": 300.0}
    rows = [
        {"population": "broken", "name": f"{n}", "group": kind, "quality": quality}
        for n, (kind, quality) in enumerate([("body", {}), ("body", GOOD), ("water", no_head)])
    ]
    lines = list(verdict.summary(rows))
    assert "| body | 2 | 1 | 0 | 1 |" in lines
    assert "| all | 3 | 1 | 1 | 1 |" in lines


def test_a_series_is_told_with_its_numbers() -> None:
    row = {**scan_row(0.0, population="series"), "name": "series head", "said": "locator pass level 0.80"}
    del row["error_mm"]
    assert list(verdict.summary([row]))[-1] == "series head: pass, locator pass level 0.80"
