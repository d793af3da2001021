"""train.json and its overlay, run as a user runs them, on a toy head, with a tiny network and few iterations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy_anatomy import raw_labels

from scripts.files.nifti import nifti_bytes

pytestmark = pytest.mark.xdist_group("train")

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "bundle" / "configs"
TINY = {
    "width": "1",
    "iterations_per_epoch": "2",
    "crops_per_iteration": "2",
    "crop_size": "43",
    "validation_anatomies": "['b']",
    "test_anatomies": "['c']",
    "validation_heads_per_anatomy": "1",
    "train#dataset#first_heads": "1",
}
"""Overrides that make a training of seconds."""


@pytest.fixture(scope="module")
def anatomies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three label maps, which are all the same toy head."""
    folder = tmp_path_factory.mktemp("anatomies")
    content = nifti_bytes(*raw_labels())
    for name in "abc":
        (folder / f"{name}.nii.gz").write_bytes(content)
    return folder


def train(start: list[str], config: str, anatomies: Path, output: Path, **overrides: str) -> str:
    """Run monai.bundle in the output's parent; what it printed and logged."""
    words = {"bundle_root": str(ROOT / "bundle"), "dataset_dir": str(anatomies), "output_dir": str(output)}
    options = [text for key, value in {**words, **TINY, **overrides}.items() for text in (f"--{key}", value)]
    done = subprocess.run(
        [*start, "-m", "monai.bundle", "run", "--config_file", config, *options],
        cwd=output.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("checkpoint*.pt"))


def test_training_learns_validates_and_goes_on_after_a_stop(anatomies: Path, tmp_path: Path) -> None:
    config, output = str(CONFIGS / "train.json"), tmp_path / "out"
    first = train([sys.executable], config, anatomies, output, max_epochs="1", val_interval="9")
    assert "Epoch[1] Complete" in first
    assert checkpoints(output) == ["checkpoint_epoch=1.pt"]
    before = torch.load(output / "checkpoint_epoch=1.pt", weights_only=True)
    second = train([sys.executable], config, anatomies, output, max_epochs="2", val_interval="2")
    assert "Epoch[2] Complete" in second
    for metric in ("train_loss", "brain_error_mm", "skull_error_mm"):
        assert metric in second
    assert "checkpoint_epoch=2.pt" in checkpoints(output)
    after = torch.load(output / "checkpoint_epoch=2.pt", weights_only=True)
    assert (before["trainer"]["iteration"], after["trainer"]["iteration"]) == (2, 4)
    assert after["optimizer"]["state"][0]["step"] == 4
    assert any(not torch.equal(before["network"][name], value) for name, value in after["network"].items())
    assert list(output.glob("events.out.tfevents*")), "TensorBoard's log"


def test_two_processes_share_one_training(anatomies: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    config = f"['{CONFIGS / 'train.json'}','{CONFIGS / 'multi_gpu_train.json'}']"
    output = tmp_path / "out"
    log = train(torchrun, config, anatomies, output, max_epochs="1", val_interval="1", backend="gloo", device="cpu")
    assert checkpoints(output) == ["checkpoint_epoch=1.pt"], "one process saves"
    assert log.count("brain_error_mm best value") == 1, "one process validates"
    best = torch.load(output / "best.pt", weights_only=True)
    assert (best["epoch"], best["metric"]) == (1, "brain_error_mm")
    assert not any(name.startswith("module.") for name in best["network"])
    state = torch.load(output / "checkpoint_epoch=1.pt", weights_only=True)
    assert state["trainer"]["iteration"] == 2
