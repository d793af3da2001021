"""autoencoder.json over train.json on a toy head: it learns to give what it gets, within a budget."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from trainings import draw_the_toy_head, toy_maps, train

from scripts.baseline.autoencoder import SpatialAutoencoder

pytestmark = pytest.mark.xdist_group("train")

TINY = {
    "width": 1,
    "iterations_per_epoch": 1,
    "max_epochs": 3,
    "val_interval": 1,
    "validation_anatomies": ["b"],
    "test_anatomies": [],
    "validation_heads_per_anatomy": 1,
    "box_start": [112, 112, 112],
    "box_end": [144, 160, 144],
    "train#dataset#first_heads": 1,
    "train#dataloader#prefetch_factor": 1,
    "cpu_budget_s": 0.001,
}
"""Overrides that make a training of seconds, whose budget one epoch exceeds."""


def test_it_learns_validates_and_ends_with_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_the_toy_head(monkeypatch)
    maps, output = toy_maps(tmp_path / "maps", "ab"), tmp_path / "out"
    train(("autoencoder.json",), **TINY, dataset_dir=str(maps), output_dir=str(output))
    assert [path.name for path in output.glob("checkpoint*.pt")] == ["checkpoint_epoch=1.pt"]
    assert "mean_absolute_error" in (output / "learning_curve.csv").read_text()
    state = torch.load(output / "checkpoint_epoch=1.pt", weights_only=True)
    network = SpatialAutoencoder(1)
    network.load_state_dict(state["network"])
    assert state["optimizer"]["state"][0]["step"] == 1
