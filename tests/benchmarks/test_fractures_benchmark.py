"""The plan of the fractures' benchmark and its tables."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.spatial.transform import Rotation

from skull.draw import CLASSES_MM, KINDS, ROTATION_ERROR_DEG, SHIFT_ERROR_MM, case_name, pairs, pose_error
from skull.judge import Judged, class_of, table

NAMES = ["a", "b", "c", "d"]


def test_pairs_take_turns_over_anatomies_kinds_and_sides() -> None:
    chosen = list(pairs(NAMES, 6, 100))
    assert Counter(pair.anatomy for pair in chosen) == dict.fromkeys(NAMES, 6)
    assert Counter(pair.kind for pair in chosen) == dict.fromkeys(KINDS, 8)
    for kind in KINDS:
        assert set(Counter(pair.side for pair in chosen if pair.kind == kind)) == {"left", "right"}
    names = {case_name(p, kind, slices) for p in chosen for kind in (None, p.kind) for slices in CLASSES_MM}
    assert len(names) == len(chosen) * 6


def test_errors_of_the_pose_have_their_size() -> None:
    rng = np.random.default_rng(0)
    errors = [pose_error(rng) for _ in range(2000)]
    shifts = [np.linalg.norm(error[:3, 3]) for error in errors]
    angles = [np.rad2deg(Rotation.from_matrix(error[:3, :3]).magnitude()) for error in errors]
    assert abs(np.sqrt(np.mean(np.square(shifts))) - SHIFT_ERROR_MM) < 0.1
    assert abs(np.sqrt(np.mean(np.square(angles))) - ROTATION_ERROR_DEG) < 0.1


def judged(anatomy: str, kind: str | None, score: float, away_mm: float | None = None) -> Judged:
    scores = dict.fromkeys(("lines", "wide", "dents", "score"), score)
    return Judged(anatomy, kind, "thin", scores, 2.0, away_mm)


def test_the_tables_say_what_was_found_and_where() -> None:
    cases = [judged(name, None, value) for name, value in zip(NAMES, (0.0, 1.0, 1.5, 2.5), strict=True)]
    cases += [judged(name, kind, 3.0, away) for kind in KINDS for name, away in zip(NAMES, (1, 5, 20, 9), strict=True)]
    text = table(cases)
    assert "| score | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |" in text
    assert "| thin | 12 / 4 | 1.00 | 1.00 | 1.00 | 1.00 [1.00, 1.00] | 100 % | 75 % | 75 % |" in text


def test_only_thick_slices_belong_to_the_thick_class() -> None:
    assert [class_of(slices) for slices in CLASSES_MM] == ["thin", "thin", "thick"]
