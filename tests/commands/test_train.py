"""train.json alone, on a toy head, with a tiny network and few iterations; in two processes it runs in
test_density_config."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from trainings import draw_the_toy_head, toy_maps, train

from scripts.errors import WrongUsage

pytestmark = pytest.mark.xdist_group("train")

TINY = {
    "width": 1,
    "iterations_per_epoch": 2,
    "crops_per_iteration": 2,
    "crop_size": 43,
    "validation_anatomies": ["b"],
    "test_anatomies": ["c"],
    "validation_heads_per_anatomy": 1,
    "train#dataset#first_heads": 1,
    "train#dataloader#prefetch_factor": 1,
}
"""Overrides that make a training of seconds."""


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("checkpoint*.pt"))


def test_training_learns_validates_and_goes_on_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_the_toy_head(monkeypatch)
    maps, output = toy_maps(tmp_path / "maps", "abc"), tmp_path / "out"
    common = {**TINY, "dataset_dir": str(maps), "output_dir": str(output)}
    train((), **common, max_epochs=1, val_interval=9)
    assert checkpoints(output) == ["checkpoint_epoch=1.pt"]
    before = torch.load(output / "checkpoint_epoch=1.pt", weights_only=True)
    with pytest.raises(WrongUsage, match=r"other data for validation: b\.nii\.gz is missing, c\.nii\.gz is new"):
        train((), **{**common, "validation_anatomies": ["c"], "test_anatomies": ["b"]}, max_epochs=2)
    without_workers = {name: value for name, value in common.items() if "prefetch_factor" not in name} | {"workers": 0}
    train((), **without_workers, max_epochs=2, val_interval=2)
    curve = (output / "learning_curve.csv").read_text()
    for metric in ("brain_error_mm", "skull_error_mm"):
        assert metric in curve
    assert "checkpoint_epoch=2.pt" in checkpoints(output)
    after = torch.load(output / "checkpoint_epoch=2.pt", weights_only=True)
    assert (before["trainer"]["iteration"], after["trainer"]["iteration"]) == (2, 4)
    assert after["optimizer"]["state"][0]["step"] == 4
    assert any(not torch.equal(before["network"][name], value) for name, value in after["network"].items())
    assert list(output.glob("events.out.tfevents*")), "TensorBoard's log"
