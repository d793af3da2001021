"""Planted heads: which are drawn, their labels, and lesions on one side and on both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scripts.errors import WrongUsage
from scripts.training import planted as module
from scripts.training.planted import DrawPlantedd, labels_of, planted_head, planted_heads


def folder(tmp_path: Path) -> str:
    for name in ("a", "b"):
        (tmp_path / f"{name}.nii.gz").touch()
    return str(tmp_path)


def test_heads_take_turns_over_anatomies_and_sides(tmp_path: Path) -> None:
    heads = planted_heads(folder(tmp_path), ["a", "b"], 3, 2, ("cyst", "infarct"))
    assert [(Path(h["image"]).name[0], h["lesion"], h["side"]) for h in heads] == [
        ("a", None, None),
        ("b", None, None),
        ("a", None, None),
        ("a", "cyst", "left"),
        ("b", "infarct", "right"),
        ("b", "cyst", "right"),
        ("a", "infarct", "left"),
    ]
    assert len({h["seed"] for h in heads}) == len(heads)
    fewer = planted_heads(folder(tmp_path), ["a", "b"], 3, 1, ("cyst", "infarct"))
    assert all(head in heads for head in fewer)


def test_an_anatomy_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="is called c"):
        planted_heads(folder(tmp_path), ["c"], 1, 0)


def test_only_the_lesion_s_side_is_sick_and_the_other_does_not_count() -> None:
    assert labels_of(None, None) == [0, 0]
    assert labels_of("cyst", "left") == [1, -1]
    assert labels_of("cyst", "right") == [-1, 1]
    assert labels_of("cyst", "both") == [1, 1]
    assert labels_of("pontine_bleed", "middle") == [1, 1]


def test_a_planted_head_is_drawn_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(module, "draw_head", lambda anatomy, seed, **words: asked.update(words) or "head")
    assert planted_head("anatomy", 1, "cyst", "both", "plain", {"volume_ml": 3.0}) == "head"  # type: ignore[arg-type]
    assert asked == {"lesion": "cyst", "side": "both", "lesion_size": {"volume_ml": 3.0}, "variety": "plain"}


def test_another_head_is_tried_where_the_lesion_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def planted_head(anatomy: Any, seed: int, *rest: Any) -> str:
        tried.append(seed)
        if len(tried) < 3:
            raise ValueError("it does not fit")
        return "head"

    monkeypatch.setattr(module, "planted_head", planted_head)
    monkeypatch.setattr(module, "scanned_in_reference_space", lambda head, seed: np.full((2, 2, 2), seed % 1000))
    monkeypatch.setattr(module, "lesion_in_reference_space", lambda head, seed: np.ones((2, 2, 2), np.uint8))
    transform = DrawPlantedd("image")
    monkeypatch.setattr(transform, "_anatomy", lambda path: path)
    found = transform({"image": "a", "seed": 7, "lesion": "cyst", "side": "right"})
    assert tried == [7, 100_007, 200_007]
    assert torch.equal(found["sick"], torch.tensor([-1, 1], dtype=torch.int8))
    assert found["image"].shape == found["lesion_mask"].shape == (1, 2, 2, 2)
    monkeypatch.setattr(module, "planted_head", lambda *rest: (_ for _ in ()).throw(ValueError("no room")))
    with pytest.raises(ValueError, match="fits in 5 heads: no room"):
        transform({"image": "a", "seed": 7, "lesion": "cyst", "side": "right"})
