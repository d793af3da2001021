"""The command that makes weights from a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser
from torch import nn

from scripts.assets import bundle_root, config, sha256
from scripts.commands import export
from scripts.commands.export import OUTPUTS
from scripts.commands.main import main
from scripts.integrity import changes, manifest_text, write_manifest
from scripts.networks.position import PatchPositionNet, add_spectral_norm
from scripts.networks.weights import sizes_of


def network(*names: str) -> nn.Module:
    """The plain network of configs, each an overlay of those before it."""
    parser = ConfigParser()
    parser.read_config([str(config(name)) for name in names])
    made: nn.Module = parser.get_parsed_content("network_def")
    return made


def checkpoint(folder: Path, *names: str) -> None:
    state = add_spectral_norm(network(*names)).state_dict()
    torch.save({"network": state}, folder / "checkpoint_epoch=3.pt")


def test_weights_fit_the_network_of_the_configs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint(tmp_path, "train.json")
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "model.pt")]) == 0
    assert sha256(tmp_path / "model.pt") in capsys.readouterr().out
    weights = torch.load(tmp_path / "model.pt", weights_only=True)
    network("inference.json").load_state_dict(weights, strict=True)


def test_weights_that_replace_those_of_the_bundle_are_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint(tmp_path, "train.json")
    bundle = tmp_path / "bundle"
    (bundle / "models").mkdir(parents=True)
    (bundle / "models" / "model.pt").write_text("earlier weights")
    write_manifest(bundle)
    monkeypatch.setattr(export, "bundle_root", lambda: bundle)
    assert main(["export", str(tmp_path), "-o", str(bundle / "models" / "model.pt")]) == 0
    assert changes(bundle) == []
    (bundle / "models" / "model.pt").write_text("other weights")
    assert changes(bundle) == ["models/model.pt was changed"]


def test_a_published_network_that_was_trained_can_be_run(tmp_path: Path) -> None:
    checkpoint(tmp_path, "train.json", "published_train.json")
    words = ["export", str(tmp_path), "--config", "published_train.json", "-o", str(tmp_path / "published.pt")]
    assert main(words) == 0
    weights = torch.load(tmp_path / "published.pt", weights_only=True)
    network("inference.json", "published.json").load_state_dict(weights, strict=True)


def test_a_published_network_of_another_size_says_so_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(
        {"network": PatchPositionNet(2, spectral_norm=True, patch_size=23).state_dict()}, tmp_path / "checkpoint.pt"
    )
    words = ["export", str(tmp_path / "checkpoint.pt"), "--config", "published_train.json", "--width", "2"]
    assert main(words) == 2
    assert "is no checkpoint of this network" in capsys.readouterr().err, "another patch size than that of the config"
    assert main([*words, "--patch-size", "23"]) == 0
    assert sizes_of(tmp_path / "published.pt") == {"width": 2, "patch_size": 23}


def test_an_autoencoder_that_was_trained_can_be_run(tmp_path: Path) -> None:
    trained = network("train.json", "autoencoder.json")
    torch.save({"network": trained.state_dict()}, tmp_path / "checkpoint_epoch=3.pt")
    words = ["export", str(tmp_path), "--config", "autoencoder.json", "-o", str(tmp_path / "autoencoder.pt")]
    assert main(words) == 0
    weights = torch.load(tmp_path / "autoencoder.pt", weights_only=True)
    made = network("inference.json", "autoencoder_inference.json")
    made.load_state_dict(weights, strict=True)
    assert all(torch.equal(values, trained.state_dict()[name]) for name, values in weights.items())


@pytest.mark.parametrize(("name", "file"), OUTPUTS.items())
def test_without_a_name_the_weights_lie_beside_the_checkpoint(name: str, file: str, tmp_path: Path) -> None:
    trained = network(*dict.fromkeys(("train.json", name)))
    torch.save({"network": trained.state_dict()}, tmp_path / "checkpoint_epoch=3.pt")
    before = manifest_text(bundle_root())
    assert main(["export", str(tmp_path), "--config", name]) == 0
    assert main(["export", str(tmp_path / "checkpoint_epoch=3.pt"), "--config", name]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["checkpoint_epoch=3.pt", file])
    assert manifest_text(bundle_root()) == before, "nothing is installed that nobody asked for"


def test_a_checkpoint_of_another_config_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint(tmp_path, "train.json", "published_train.json")
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "model.pt")]) == 2
    assert "is no checkpoint of this network" in capsys.readouterr().err
    assert not (tmp_path / "model.pt").exists()


def test_an_output_that_can_t_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint(tmp_path, "train.json")
    (tmp_path / "file").touch()
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "file" / "model.pt")]) == 4
    assert "Not a directory" in capsys.readouterr().err
    assert main(["export", str(tmp_path), "-o", str(tmp_path)]) == 2
    assert f"Name a file in it: -o {tmp_path / 'model.pt'}" in capsys.readouterr().err
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "new" / "model.pt")]) == 0


def test_a_folder_without_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "-o", str(tmp_path / "model.pt")]) == 2
    assert f"There is no checkpoint in {tmp_path}" in capsys.readouterr().err
    assert not (tmp_path / "model.pt").exists()
