"""The plan of a cohort: who gets which lesion, and how large."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cohort import draw as draw_module
from cohort.draw import GROUPS, SMALL_ML, Plan, draw, harder_plans, keep_plan, lesion_volume, plans, size_of
from scripts.simulation.lesions.planting import FRACTURES, KINDS, VOLUMES_ML

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


def test_harder_lesions_come_in_groups() -> None:
    chosen = list(harder_plans(NAMES, 2, 900))
    assert {plan.group for plan in chosen} == set(GROUPS)
    assert len({plan.seed for plan in chosen}) == len(chosen)
    for plan in chosen:
        assert (plan.side == "middle") == (plan.group == "middle")
        assert (plan.side == "both") == (plan.group == "both sides")
        assert (plan.blood != "even") == (plan.group == "uneven blood")
        assert not plan.mirrored or plan.group == "both sides"
        assert plan.volume_ml is not None
        assert plan.group != "small" or SMALL_ML[0] <= plan.volume_ml <= SMALL_ML[1]
    assert {plan.blood for plan in chosen} == {"even", "frayed", "mixed", "layered"}
    assert sum(plan.mirrored for plan in chosen) == 4
    with pytest.raises(ValueError, match="at least one anatomy"):
        list(harder_plans([], 1, 1))


def test_the_plan_of_a_cohort_without_harder_lesions_reads_as_before(tmp_path: Path) -> None:
    keep_plan(tmp_path, list(plans(NAMES, 1, 1, 7)))
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert {frozenset(one) for one in plan} == {frozenset(("anatomy", "seed", "kind", "side", "volume_ml", "variety"))}


def test_the_seed_decides() -> None:
    assert list(plans(NAMES, 1, 2, 7)) == list(plans(NAMES, 1, 2, 7))
    assert [p.volume_ml for p in plans(NAMES, 1, 2, 7)] != [p.volume_ml for p in plans(NAMES, 1, 2, 8)]


def test_heads_come_from_the_population_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = list(plans(NAMES, 1, 1, 7, "widened"))
    assert {plan.variety for plan in chosen} == {"widened"}
    assert {plan.variety for plan in plans(NAMES, 1, 1, 7)} == {"plain"}
    asked = []

    def simulate(anatomy: object, seed: int, **options: object) -> SimpleNamespace:
        asked.append(options["variety"])
        return SimpleNamespace(truth={})

    monkeypatch.setattr(draw_module, "load_anatomy", lambda path: None)
    monkeypatch.setattr(draw_module, "simulate_case", simulate)
    monkeypatch.setattr(draw_module, "write_case", lambda *given: None)
    assert draw(tmp_path, chosen[0], Path("x")) == "drawn"
    assert asked == ["widened"]


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


class Simulator:
    """Stands in for the simulator: a lesion fits in a head whose room is large enough."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rooms_ml: list[float]) -> None:
        self.rooms_ml, self.tried = rooms_ml, list[tuple[int, float]]()
        monkeypatch.setattr(draw_module, "load_anatomy", lambda path: path)
        monkeypatch.setattr(draw_module, "simulate_case", self.simulate)
        monkeypatch.setattr(draw_module, "write_case", self.write)

    def simulate(self, anatomy: object, seed: int, lesion_size: dict[str, float], **words: object) -> SimpleNamespace:
        room_ml, volume_ml = self.rooms_ml[len(self.tried)], lesion_size["volume_ml"]
        self.tried.append((seed, volume_ml))
        if volume_ml > room_ml:
            raise ValueError(f"{volume_ml} ml do not fit here, where {room_ml} ml may bleed")
        return SimpleNamespace(truth=dict(lesion_size))

    def write(self, folder: Path, case: SimpleNamespace, anatomy: str, kind: str) -> None:
        folder.mkdir()
        (folder / "truth.json").write_text(json.dumps({"anatomy": anatomy, **case.truth}))


def test_what_is_there_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = Simulator(monkeypatch, [9.0])
    for words in ("drawn, 4.0 ml", "kept"):
        assert draw(tmp_path, Plan("a", 9, "cyst", "left", 4.0), Path("x")) == words
    assert simulator.tried == [(9, 4.0)]


def test_what_does_not_fit_is_tried_in_another_head_and_then_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = Simulator(monkeypatch, [3.3] * 5)
    assert draw(tmp_path, Plan("a", 9, "intraventricular", "left", 12.4), Path("x")) == "drawn, 3.1 ml"
    assert simulator.tried == [(9, 12.4), (100_009, 12.4), (200_009, 6.2), (300_009, 3.1)]


def test_what_fits_nowhere_is_left_out_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = Simulator(monkeypatch, [1.0] * 5)
    words = draw(tmp_path, Plan("a", 9, "intraventricular", "left", 8.0), Path("x"))
    assert words == "left out: no lesion fits in 5 heads: 1.5 ml do not fit here, where 1.0 ml may bleed"
    assert simulator.tried[-1][1] == VOLUMES_ML["intraventricular"][0], "no less than the kind has at least"
    assert not list(tmp_path.iterdir())


def test_a_folder_holds_one_plan(tmp_path: Path) -> None:
    cohort = tmp_path / "cohort"
    for _ in range(2):
        keep_plan(cohort, list(plans(NAMES, 2, 2, 7)))
    assert [path.name for path in cohort.iterdir()] == ["plan.json"]
    with pytest.raises(ValueError, match="was drawn for another plan"):
        keep_plan(cohort, list(plans(NAMES, 2, 2, 8)))
