"""The plan of a cohort: who gets which lesion, and how large."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cohort import draw as draw_module
from cohort.draw import Plan, draw, lesion_volume, plans, size_of
from scripts.simulation.lesions import FRACTURES, KINDS, VOLUMES_ML

NAMES = ["a", "b", "c"]


def test_kinds_take_turns_over_anatomies_sides_and_sizes() -> None:
    chosen = list(plans(NAMES, 5, 6, 40))
    healthy, lesions = chosen[:5], chosen[5:]
    assert [plan.anatomy for plan in healthy] == ["a", "b", "c", "a", "b"]
    assert all(plan.kind is None and plan.volume_ml is None for plan in healthy)
    assert len({plan.seed for plan in chosen}) == len({plan.name for plan in chosen}) == 5 + 6 * len(KINDS)
    for kind in KINDS:
        mine = [plan for plan in lesions if plan.kind == kind]
        assert Counter(plan.anatomy for plan in mine) == {"a": 2, "b": 2, "c": 2}
        assert set(Counter(plan.side for plan in mine)) == {"left", "right"}
        sizes = Counter(size_of(kind, plan.volume_ml) for plan in mine)
        assert sizes == ({None: 6} if kind in FRACTURES else {"small": 3, "large": 3})


def test_the_seed_decides() -> None:
    assert list(plans(NAMES, 1, 2, 7)) == list(plans(NAMES, 1, 2, 7))
    assert [p.volume_ml for p in plans(NAMES, 1, 2, 7)] != [p.volume_ml for p in plans(NAMES, 1, 2, 8)]


def test_without_an_anatomy_there_is_no_cohort() -> None:
    with pytest.raises(ValueError, match="at least one anatomy"):
        list(plans([], 1, 1, 0))


@pytest.mark.parametrize("kind", VOLUMES_ML)
def test_volumes_are_of_the_size_that_was_asked_for(kind: str) -> None:
    rng = np.random.default_rng(0)
    low, high = VOLUMES_ML[kind]
    for size in ("small", "large"):
        volumes = [lesion_volume(kind, size, rng) for _ in range(20)]
        assert low * 0.99 <= min(volumes) <= max(volumes) <= high * 1.01
        assert {size_of(kind, volume) for volume in volumes} == {size}


def test_a_lesion_with_a_volume_needs_one_to_have_a_size() -> None:
    assert size_of(None, None) is None
    assert size_of("linear_fracture", 3.0) is None
    with pytest.raises(ValueError, match="with cyst needs its volume_ml"):
        size_of("cyst", None)


def test_what_is_there_is_kept_and_what_does_not_fit_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    class Case:
        def __init__(self) -> None:
            self.truth = {"volume_ml": 4.0}

    def simulate(anatomy: object, seed: int, **words: object) -> Case:
        tried.append(seed)
        if len(tried) < 3:
            raise ValueError("does not fit")
        return Case()

    def write(folder: Path, case: Case, anatomy: str, kind: str) -> None:
        folder.mkdir()
        (folder / "truth.json").write_text(json.dumps({"anatomy": anatomy}))

    monkeypatch.setattr(draw_module, "load_anatomy", lambda path: path)
    monkeypatch.setattr(draw_module, "simulate_case", simulate)
    monkeypatch.setattr(draw_module, "write_case", write)
    plan = Plan("a", 9, "cyst", "left", 4.0)
    assert draw(tmp_path, plan, Path("x")) == "drawn, 4.0 ml"
    assert tried == [9, 100_009, 200_009]
    assert draw(tmp_path, plan, Path("x")) == "kept"
    monkeypatch.setattr(draw_module, "ATTEMPTS", 1)
    tried.clear()
    with pytest.raises(ValueError, match="a_00010_cyst: no lesion fits in 1 heads: does not fit"):
        draw(tmp_path, Plan("a", 10, "cyst", "left", 4.0), Path("x"))
