"""Heads of simulated patients: no contrast agent, one or two lesions, and words that are true of what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from toy_anatomy import toy_anatomy

from reproduction.cq500.standin import heads as study_head
from reproduction.cq500.standin.heads import ATTEMPTS, SEED_STEP, draw_patient
from scripts.simulation.person.head import draw_head


def side_of(mask: np.ndarray, affine: np.ndarray) -> str:
    x = (affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3])[0]
    return "left" if x < 0 else "right"


def test_a_healthy_head_has_no_lesion_and_no_contrast_agent() -> None:
    seed = next(seed for seed in range(60) if draw_look_has_contrast(seed))
    head, planted = draw_patient(toy_anatomy(), seed, [])
    assert planted == []
    assert not head.lesion.any()
    assert head.description["look"]["contrast_hu"] == 0
    assert head.description["seed"] == seed


def draw_look_has_contrast(seed: int) -> bool:
    return study_head.draw_look(study_head.stream(seed, study_head.LOOK_STREAM)).contrast_hu > 0


def test_two_bleeds_lie_on_both_sides_and_are_both_told() -> None:
    head, planted = draw_patient(toy_anatomy(), 3, [("subdural", "left"), ("intraparenchymal", "right")])
    alone, first = draw_patient(toy_anatomy(), 3, [("subdural", "left")])
    assert [(words["lesion"], words["side"]) for words in planted] == [
        ("subdural", "left"),
        ("intraparenchymal", "right"),
    ]
    assert planted[0] == first[0]
    to_reference = head.to_reference @ head.affine
    assert side_of(alone.lesion == 1, to_reference) == "left"
    new = (head.lesion == 1) & (alone.lesion == 0)
    assert side_of(new, to_reference) == "right"
    assert new.sum() / 1000 == pytest.approx(planted[1]["volume_ml"], rel=0.05)
    assert 35 < np.median(head.hu[new]) < 95


def fails(kinds: tuple[str, ...], tried: list[tuple[str | None, int]]) -> object:
    """A `draw_head` for which lesions of these kinds do not fit."""

    def draw(anatomy: object, seed: int, *, lesion: str | None, **words: object) -> object:
        tried.append((lesion, seed))
        if lesion in kinds:
            raise ValueError(f"{lesion} does not fit here")
        return draw_head(toy_anatomy(), seed, lesion=lesion, **words)  # type: ignore[arg-type]

    return draw


def test_a_bleed_that_fits_nowhere_becomes_another_one_and_the_words_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[tuple[str | None, int]] = []
    monkeypatch.setattr(study_head, "draw_head", fails(("intraventricular",), tried))
    _, planted = draw_patient(toy_anatomy(), 5, [("intraventricular", "left")])
    assert tried == [
        *(("intraventricular", 5 + attempt * SEED_STEP) for attempt in range(ATTEMPTS)),
        ("intraparenchymal", 5 + ATTEMPTS * SEED_STEP),
    ]
    assert [(words["lesion"], words["side"]) for words in planted] == [("intraparenchymal", "left")]


def test_another_lesion_that_fits_nowhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_head, "draw_head", fails(("oedema",), []))
    with pytest.raises(ValueError, match="no oedema fits in 3 heads: oedema does not fit here"):
        draw_patient(toy_anatomy(), 5, [("oedema", "left")])


def test_a_second_lesion_that_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise ValueError("does not fit")

    monkeypatch.setattr(study_head, "plant_lesion", refuse)
    _, planted = draw_patient(toy_anatomy(), 3, [("linear_fracture", "left"), ("epidural", "left")])
    assert [words["lesion"] for words in planted] == ["linear_fracture"]
