"""locator.json over train.json, run as a user runs it, on a toy head: from nothing to weights that load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy_anatomy import raw_labels

from scripts.commands.main import main
from scripts.files.nifti import nifti_bytes
from scripts.integrity import changes
from scripts.registration.transforms import load_locator
from scripts.workflow import parsed_configs

pytestmark = pytest.mark.xdist_group("train")

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "iterations_per_epoch": "2",
    "crops_per_iteration": "2",
    "crop_size": "27",
    "validation_size": "27",
    "scans_per_head": "1",
    "validation_anatomies": "['b']",
    "test_anatomies": "['c']",
    "validation_heads_per_anatomy": "1",
    "val_interval": "2",
    "train#dataset#first_heads": "1",
}
"""Overrides that make a training of seconds."""


def train(anatomies: Path, output: Path, epochs: int) -> str:
    """Run monai.bundle; what it printed and logged."""
    words = {"bundle_root": str(ROOT / "bundle"), "dataset_dir": str(anatomies), "output_dir": str(output)}
    given = {**words, **TINY, "max_epochs": str(epochs)}
    options = [text for key, value in given.items() for text in (f"--{key}", value)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "monai.bundle",
            "run",
            "--config_file",
            str([str(ROOT / "bundle/configs" / name) for name in ("train.json", "locator.json")]),
            *options,
        ],
        cwd=output.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def test_one_command_makes_the_weights_and_goes_on_after_a_stop(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.nii.gz").write_bytes(nifti_bytes(*raw_labels()))
    output = tmp_path / "out"
    output.mkdir()
    train(tmp_path, output, epochs=1)
    first = load_locator(str(output / "locator.pt")).state_dict()
    (output / "locator.pt").rename(output / "first.bin")
    load_locator.cache_clear()
    log = train(tmp_path, output, epochs=2)
    assert "Epoch[2] Complete" in log
    assert "position_error_mm" in log
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
