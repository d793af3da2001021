"""The command that makes weights from a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scripts.assets import sha256
from scripts.commands.main import main
from scripts.networks import DensePositionNet, add_spectral_norm


def test_weights_fit_the_network_of_the_configs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = add_spectral_norm(DensePositionNet(16, in_channels=2))
    torch.save({"network": trained.state_dict()}, tmp_path / "checkpoint_epoch=3.pt")
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "model.pt")]) == 0
    assert sha256(tmp_path / "model.pt") in capsys.readouterr().out
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    DensePositionNet(16, in_channels=2).load_state_dict(weights, strict=True)


def test_a_folder_without_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "model.pt")]) == 2
    assert f"There is no checkpoint in {tmp_path}" in capsys.readouterr().err
    assert not (tmp_path / "model.pt").exists()
