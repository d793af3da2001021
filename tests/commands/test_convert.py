"""`head-ct-anomaly convert`: what it writes and refuses; test_exported_networks.py has what the files answer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from scripts.assets import asset, sha256
from scripts.commands import convert
from scripts.commands.main import main
from scripts.networks.position import DensePositionNet


@pytest.mark.parametrize(
    ("words", "name", "patch_mm"),
    [(["--stride", "4"], "model.pt", "39"), (["--network", "density"], "evidence.pt", "34")],
)
def test_a_program_of_the_shipped_weights(
    words: list[str],
    name: str,
    patch_mm: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = {}

    def pretend(network: torch.nn.Module, facts: dict[str, str]) -> bytes:
        made.update(facts, network=network)
        return b"content"

    monkeypatch.setattr("scripts.networks.export.exported_program", pretend)
    target = tmp_path / "new" / "model.pt2"
    assert main(["convert", str(target), *words]) == 0
    assert target.read_bytes() == b"content"
    assert f"{target}  a program of torch.export, stride 4  sha256 {sha256(target)}" in capsys.readouterr().out
    assert made["weights_sha256"] == sha256(asset(f"models/{name}"))
    assert (made["stride_mm"], made["patch_size_mm"]) == ("4", patch_mm)
    weights = torch.load(asset(f"models/{name}"), weights_only=True)
    state = made["network"].state_dict()
    assert all(torch.equal(state[name], values) for name, values in weights.items())


def test_the_density_network_has_one_stride(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(tmp_path / "model.pt2"), "--network", "density", "--stride", "2"]) == 2
    assert "The density network answers every 4 mm, not 2. Leave --stride out." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model", "model.ts", "model.pt"])
def test_an_ending_that_says_nothing(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(tmp_path / name)]) == 2
    assert "ends in .onnx (ONNX) or .pt2 (a program of torch.export)" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_packages_that_are_missing_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "find_spec", lambda name: None)
    assert main(["convert", str(tmp_path / "model.onnx")]) == 2
    assert "pip install onnx onnxscript" in capsys.readouterr().err


def test_other_weights_must_be_of_this_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save(DensePositionNet(1, 19).state_dict(), tmp_path / "other.pt")
    words = ["convert", str(tmp_path / "model.pt2"), "--weights"]
    assert main([*words, str(tmp_path / "other.pt")]) == 2
    assert "holds no weights of this network" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "nope.pt")]) == 2
    assert "Check --weights" in capsys.readouterr().err
    (tmp_path / "model.pt2").mkdir()
    assert main(["convert", str(tmp_path / "model.pt2")]) == 2
    assert f"Name a file in it: {tmp_path / 'model.pt2' / 'model.pt2'}" in capsys.readouterr().err
