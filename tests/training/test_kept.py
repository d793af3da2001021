"""Kept heads: drawn once, read as they were, drawn again when anything differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scripts.training import kept
from scripts.training.kept import KeepDrawn, packed


class Drawing:
    """Counts how often it draws."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, data: Any) -> dict[str, Any]:
        self.times += 1
        return {"image": torch.full((1, 2, 2, 2), data["seed"], dtype=torch.int16), "lesion": data.get("lesion")}


def anatomy(folder: Path, content: bytes = b"map") -> str:
    """Path of a file in a folder that stands for an anatomy."""
    folder.mkdir(exist_ok=True)
    (folder / "head_01.nii.gz").write_bytes(content)
    return str(folder / "head_01.nii.gz")


def test_a_head_is_drawn_once_and_read_as_it_was(tmp_path: Path) -> None:
    drawing = Drawing()
    keep = KeepDrawn(drawing, str(tmp_path / "drawn"), {"variety": "plain"})
    first, second = (keep({"image": anatomy(tmp_path / name), "seed": 7, "lesion": None}) for name in ("a", "b"))
    assert drawing.times == 1
    assert first.keys() == second.keys() == {"image", "lesion"}
    assert second["image"].dtype == torch.int16
    assert torch.equal(first["image"], second["image"])
    assert second["lesion"] is None
    assert next((tmp_path / "drawn").iterdir()).name.startswith("head_01_")


def test_another_seed_setting_or_simulator_draws_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = Drawing()
    item = {"image": anatomy(tmp_path / "maps"), "seed": 7}
    for variety, seed in (("plain", 7), ("plain", 8), ("widened", 7)):
        KeepDrawn(drawing, str(tmp_path), {"variety": variety})({**item, "seed": seed})
    monkeypatch.setattr(kept, "simulator_sha256", lambda: "another")
    KeepDrawn(drawing, str(tmp_path), {"variety": "plain"})(item)
    assert drawing.times == 4


def test_another_anatomy_of_the_same_name_or_another_file_draws_again(tmp_path: Path) -> None:
    drawing = Drawing()
    maps = [anatomy(tmp_path / name, name.encode()) for name in ("a", "b")]
    for path in maps:
        KeepDrawn(drawing, str(tmp_path / "drawn"), files=[maps[0]])({"image": path, "seed": 7})
    assert drawing.times == 2
    KeepDrawn(drawing, str(tmp_path / "drawn"), files=[maps[1]])({"image": maps[0], "seed": 7})
    assert drawing.times == 3


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    drawing = Drawing()
    keep = KeepDrawn(drawing, None)
    keep({"image": "a", "seed": 1})
    keep({"image": "a", "seed": 1})
    assert drawing.times == 2
    assert list(tmp_path.iterdir()) == []


def test_what_is_neither_a_tensor_nor_plain_is_refused() -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        packed({"image": np.zeros(3)})
