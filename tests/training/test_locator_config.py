"""locator.json over train.json on a toy head: from nothing to weights that load."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from trainings import ROOT, draw_the_toy_head, toy_maps, train

from scripts.commands.main import main
from scripts.integrity import changes
from scripts.registration.transforms import load_locator
from scripts.workflow import parsed_configs

pytestmark = pytest.mark.xdist_group("train")

TINY = {
    "iterations_per_epoch": 2,
    "crops_per_iteration": 2,
    "crop_size": 27,
    "validation_size": 27,
    "scans_per_head": 1,
    "validation_anatomies": ["b"],
    "test_anatomies": ["c"],
    "validation_heads_per_anatomy": 1,
    "val_interval": 2,
    "train#dataset#first_heads": 1,
    "train#dataloader#prefetch_factor": 1,
}
"""Overrides that make a training of seconds."""


def test_one_command_makes_the_weights_and_goes_on_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_the_toy_head(monkeypatch)
    maps, output = toy_maps(tmp_path / "maps", "abc"), tmp_path / "out"
    output.mkdir()
    common = {**TINY, "dataset_dir": str(maps), "output_dir": str(output)}
    train(("locator.json",), **common, max_epochs=1)
    first = load_locator(str(output / "locator.pt")).state_dict()
    (output / "locator.pt").rename(output / "first.bin")
    load_locator.cache_clear()
    train(("locator.json",), **common, max_epochs=2)
    assert "position_error_mm" in (output / "learning_curve.csv").read_text()
    after = torch.load(output / "checkpoint_epoch=2.pt", weights_only=True)
    assert after["trainer"]["iteration"] == 4
    second = load_locator(str(output / "locator.pt")).state_dict()
    assert all(torch.equal(second[name], value) for name, value in after["network"].items())
    assert any(not torch.equal(first[name], value) for name, value in second.items())
    assert changes(ROOT / "bundle") == [], "a training leaves the weights that ship alone"
    assert main(["export", str(output), "--config", "locator.json", "-o", str(tmp_path / "installed.pt")]) == 0
    installed = load_locator(str(tmp_path / "installed.pt")).state_dict()
    assert all(torch.equal(installed[name], value) for name, value in second.items())


def test_it_starts_from_the_weights_that_are_named() -> None:
    parser = parsed_configs(["train.json", "locator.json"])
    parser["start_weights"] = shipped = str(ROOT / "bundle" / "models" / "locator.pt")
    found = parser.get_parsed_content("network").state_dict()
    assert all(torch.equal(found[name].cpu(), value) for name, value in torch.load(shipped, weights_only=True).items())
