"""density_train.json, run as a user runs it, on toy heads: alone, resumed, and in two processes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toy_anatomy import raw_labels

from scripts.assets import config_values
from scripts.files.nifti import nifti_bytes
from scripts.networks.density import DensityPositionNet

pytestmark = pytest.mark.xdist_group("train")

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "bundle" / "configs"
TINY = {
    "iterations_per_epoch": "2",
    "crops_per_iteration": "2",
    "crop_size": "21",
    "variety": "plain",
    "validation_anatomies": "['b']",
    "test_anatomies": "['c']",
    "heads_per_anatomy": "1",
    "healthy_heads": "1",
    "heads_per_kind": "0",
    "train#dataset#first_heads": "1",
    "device": "cpu",
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


def train(start: list[str], configs: tuple[str, ...], anatomies: Path, output: Path, **overrides: str) -> str:
    """Run monai.bundle in the output's parent; what it printed and logged."""
    files = ",".join(f"'{CONFIGS / name}'" for name in ("train.json", *configs))
    words = {"bundle_root": str(ROOT / "bundle"), "dataset_dir": str(anatomies), "output_dir": str(output)}
    options = [text for key, value in {**words, **TINY, **overrides}.items() for text in (f"--{key}", value)]
    done = subprocess.run(
        [*start, "-m", "monai.bundle", "run", "--config_file", f"[{files}]", *options],
        cwd=output.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def test_it_learns_keeps_its_heads_goes_on_and_runs_in_two_processes(anatomies: Path, tmp_path: Path) -> None:
    output, drawn = tmp_path / "out", tmp_path / "drawn"
    train([sys.executable], ("density_train.json",), anatomies, output, max_epochs="1", drawn_dir=str(drawn))
    kept = {path: path.stat().st_mtime_ns for path in drawn.iterdir()}
    assert len(kept) == 2, "one to learn from, one to validate on"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    overlays = ("density_train.json", "multi_gpu_train.json")
    train(torchrun, overlays, anatomies, output, max_epochs="2", drawn_dir=str(drawn), backend="gloo")
    assert {path: path.stat().st_mtime_ns for path in drawn.iterdir()} == kept
    state = torch.load(output / "checkpoint_epoch=2.pt", weights_only=True)
    assert (state["trainer"]["iteration"], state["optimizer"]["state"][0]["step"]) == (4, 4)
    network = DensityPositionNet(config_values("density_train.json")["nodes"])
    network.load_state_dict(state["network"])
    assert network.nodes.any()
    with (output / "learning_curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["iterations"] for row in rows] == ["2", "4"]
    assert 0 < float(rows[-1]["brain_error_mm"]) < 255
    assert {"surprise_auroc", "one_sided_surprise_auroc"} <= rows[-1].keys()
