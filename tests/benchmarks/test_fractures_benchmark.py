"""The plan of the fractures' benchmark and its tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from calibrate_stand_in import skull
from scipy.spatial.transform import Rotation

from scripts.calibration.files import save_scan
from scripts.findings import InputRefused
from scripts.skull.files import Calibration
from skull.draw import (
    CLASSES_MM,
    HARDER,
    KINDS,
    ROTATION_ERROR_DEG,
    SHIFT_ERROR_MM,
    Pair,
    case_name,
    draw_pair,
    harder_pairs,
    pairs,
    pose_error,
)
from skull.judge import Judged, class_of, fitted, healthy_in, judged, judged_by, table, table_by_kind
from skull.measured import Measured
from skull.registered import found_matrix

NAMES = ["a", "b", "c", "d"]


def test_pairs_take_turns_over_anatomies_kinds_and_sides() -> None:
    chosen = list(pairs(NAMES, 6, 100))
    assert Counter(pair.anatomy for pair in chosen) == dict.fromkeys(NAMES, 6)
    assert Counter(pair.kind for pair in chosen) == dict.fromkeys(KINDS, 8)
    for kind in KINDS:
        assert set(Counter(pair.side for pair in chosen if pair.kind == kind)) == {"left", "right"}
    names = {case_name(p, kind, slices) for p in chosen for kind in (None, p.kind) for slices in CLASSES_MM}
    assert len(names) == len(chosen) * 6


def test_harder_pairs_have_every_fracture_in_each_head_and_take_turns_over_slices_and_sides() -> None:
    """Two rounds over three anatomies: a kind in six heads, twice in each class of slices, on both sides."""
    chosen = list(harder_pairs(NAMES[:3], 2, 100))
    assert len({(pair.anatomy, pair.seed) for pair in chosen}) == 6
    names = {case_name(pair, pair.name, pair.slices[0]) for pair in chosen}
    assert len(names) == len(chosen) == 6 * len(HARDER)
    for kind, width_mm in HARDER:
        own = [pair for pair in chosen if (pair.kind, pair.width_mm) == (kind, width_mm)]
        assert Counter(pair.slices for pair in own) == {(slices,): 2 for slices in CLASSES_MM}
        assert {pair.side for pair in own} == {"left", "right"}
    assert Pair("a", 1, "linear_fracture", "left", 0.5).name == "linear_fracture_0.5mm"


def test_only_scans_that_are_not_there_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A healthy head that an earlier fracture of the same head left is not drawn again."""
    heads: list[bool] = []
    monkeypatch.setattr("skull.draw.drawn", lambda pair, fractured, _: heads.append(fractured))
    monkeypatch.setattr("skull.draw.protocol_of", lambda *_: None)
    monkeypatch.setattr("skull.draw.acquire", lambda *_: None)
    monkeypatch.setattr("skull.draw.write_case", lambda path, *_: path.touch())
    one, other = list(harder_pairs(["a"], 1, 5))[:2]
    assert [draw_pair(pair, tmp_path, tmp_path) for pair in (one, other, one)] == [4, 1, 0]
    assert heads == [False, True, True]


def test_errors_of_the_pose_have_their_size() -> None:
    rng = np.random.default_rng(0)
    errors = [pose_error(rng) for _ in range(2000)]
    shifts = [np.linalg.norm(error[:3, 3]) for error in errors]
    angles = [np.rad2deg(Rotation.from_matrix(error[:3, :3]).magnitude()) for error in errors]
    assert abs(np.sqrt(np.mean(np.square(shifts))) - SHIFT_ERROR_MM) < 0.1
    assert abs(np.sqrt(np.mean(np.square(angles))) - ROTATION_ERROR_DEG) < 0.1


def one_of(anatomy: str, kind: str | None, score: float, away_mm: float | None = None) -> Judged:
    scores = dict.fromkeys(("lines", "wide", "dents", "score"), score)
    return Judged(anatomy, kind, "thin", scores, 2.0, away_mm)


def test_the_tables_say_what_was_found_and_where() -> None:
    cases = [one_of(name, None, value) for name, value in zip(NAMES, (0.0, 1.0, 1.5, 2.5), strict=True)]
    cases += [one_of(name, kind, 3.0, away) for kind in KINDS for name, away in zip(NAMES, (1, 5, 20, 9), strict=True)]
    text = table(cases)
    assert "| score | 1.00 [.40, 1.00] | 1.00 [.40, 1.00] | 1.00 [.40, 1.00] | 1.00 [.40, 1.00] |" in text
    assert "| up to 3 mm | 12 / 4 |" in text
    assert "| thin | 12 / 4 | 1.00 | 1.00 | 1.00 | 1.00 [.40, 1.00] | 100 % | 75 % | 75 % |" in text


def test_the_table_by_kind_says_how_many_were_found_and_which_were_missed() -> None:
    cases = [one_of(name, None, value) for name, value in zip(NAMES, (0.0, 1.0, 1.5, 2.5), strict=True)]
    cases += [one_of("a", "basal_fracture", 3.0, 4.0), one_of("b", "basal_fracture", 1.25, 30.0)]
    cases += [one_of("c", "crossing_fracture", 4.0, 9.0)]
    text = table_by_kind(cases)
    assert "| basal_fracture | 2 | .75 [" in text
    assert "| .75 | .75 | .75 | 1 | 1 | thin 1.2 |" in text
    assert "| crossing_fracture | 1 | 1.00 [" in text
    assert "| all | 3 | .83 [" in text
    assert text.endswith("4 healthy scans, 75 % of them at or below the threshold")


def test_slices_4_mm_apart_or_more_belong_to_the_thick_class() -> None:
    assert [class_of({"increment_mm": distance}) for distance in (1.0, 3.0, 4.0, 5.0)] == ["thin"] * 2 + ["thick"] * 2


def test_cases_are_judged_by_healthy_skulls_of_other_anatomies(tmp_path: Path) -> None:
    for number in range(8):
        save_scan(tmp_path / f"{number}.npz", None, {"group": "ab"[number % 2]}, skull(number))
    save_scan(tmp_path / "refused.npz", None, {"group": "a", "refused": "There is no CT image."})
    healthy = healthy_in(tmp_path)
    assert Counter((one.anatomy, one.group) for one in healthy) == {("a", "thin"): 4, ("b", "thin"): 4}
    sick = skull(20)
    place = int(np.flatnonzero(sick.known)[1000])
    sick.maps["lines"][3, place] = 9
    points_mm = np.zeros((len(sick.known), 3))
    points_mm[place] = (0, 3, 4)
    truth = {"anatomy": "c", "kind": "linear_fracture", "increment_mm": 1.0, "slices": "thin"}
    case = Measured(truth, sick.image(), points_mm, np.array([[0.0, 3.0, 0.0]]), np.zeros(0))
    (found,) = judged(([case]), healthy)
    assert found.scores["score"] > found.threshold
    assert found.away_mm == 4
    with pytest.raises(ValueError, match="of two other anatomies"):
        list(judged([replace(case, truth={**truth, "anatomy": "a"})], [one for one in healthy if one.anatomy == "a"]))


def test_a_calibration_judges_by_its_own_healthy_scores() -> None:
    images = [skull(number).image() for number in range(8)]
    truth = {"anatomy": "a", "kind": None, "increment_mm": 1.0, "slices": "thin"}
    points_mm = np.zeros((len(images[0].known), 3))
    cases = [
        Measured({**truth, "anatomy": "ab"[n % 2]}, image, points_mm, points_mm, np.zeros(0))
        for n, image in enumerate(images)
    ]
    usual, scores = fitted(cases)
    limit = sorted(scores)[-1] + 1
    calibration = Calibration(np.ones(4), {"thin": usual}, {"thin": np.full(20, limit)})
    (found,) = judged_by(cases[:1], calibration)
    assert found.threshold == limit
    assert found.scores["score"] == max(found.scores[name] for name in ("lines", "wide", "dents"))
    assert found.away_mm is None


def test_a_pose_is_found_once_and_a_refused_scan_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def register(volume: object, *_: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise InputRefused([])
        return SimpleNamespace(matrix=2 * np.eye(4))

    monkeypatch.setattr("scripts.registration.transforms.register_or_refuse", register)
    monkeypatch.setattr("skull.registered.parts", lambda: (None, None))
    hu = np.zeros((2, 2, 2), np.int16)
    for _ in range(2):
        np.testing.assert_allclose(found_matrix(hu, np.eye(4), tmp_path / "a.npy"), 2 * np.eye(4))
    assert found_matrix(hu, np.eye(4), tmp_path / "b.npy") is None
    assert len(calls) == 2
