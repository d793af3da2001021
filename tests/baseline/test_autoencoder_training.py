"""autoencoder.json over train.json, run as a user runs it: it learns to give what it gets, within a budget."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy_anatomy import raw_labels

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.files.nifti import nifti_bytes

pytestmark = pytest.mark.xdist_group("train")

ROOT = Path(__file__).resolve().parents[2]
TINY = {
    "width": "1",
    "iterations_per_epoch": "1",
    "max_epochs": "3",
    "val_interval": "1",
    "validation_anatomies": "['b']",
    "test_anatomies": "[]",
    "validation_heads_per_anatomy": "1",
    "box_start": "[112, 112, 112]",
    "box_end": "[144, 160, 144]",
    "train#dataset#first_heads": "1",
    "cpu_budget_s": "0.001",
}
"""Overrides that make a training of seconds, whose budget one epoch exceeds."""


def test_it_learns_validates_and_ends_with_its_budget(tmp_path: Path) -> None:
    anatomies, output = tmp_path / "anatomies", tmp_path / "out"
    anatomies.mkdir()
    for name in "ab":
        (anatomies / f"{name}.nii.gz").write_bytes(nifti_bytes(*raw_labels()))
    words = {"bundle_root": str(ROOT / "bundle"), "dataset_dir": str(anatomies), "output_dir": str(output), **TINY}
    names = ("train.json", "autoencoder.json")
    configs = ",".join(f"'{ROOT / 'bundle' / 'configs' / name}'" for name in names)
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", f"[{configs}]"]
        + [text for key, value in words.items() for text in (f"--{key}", value)],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert [path.name for path in output.glob("checkpoint*.pt")] == ["checkpoint_epoch=1.pt"]
    log = done.stdout + done.stderr
    assert "mean_absolute_error" in log
    assert "cpu_seconds" in log
    state = torch.load(output / "checkpoint_epoch=1.pt", weights_only=True)
    network = SpatialAutoencoder(1)
    network.load_state_dict(state["network"])
    assert state["optimizer"]["state"][0]["step"] == 1
