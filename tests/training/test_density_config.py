"""density_train.json on a toy head: alone, and then in two processes, as a user runs it."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from density_net import density_net
from trainings import ROOT, draw_the_toy_head, toy_maps, train

pytestmark = pytest.mark.xdist_group("train")

TINY = {
    "iterations_per_epoch": 2,
    "crops_per_iteration": 2,
    "crop_size": 21,
    "variety": "plain",
    "validation_anatomies": ["b"],
    "test_anatomies": ["c"],
    "heads_per_anatomy": 1,
    "healthy_heads": 1,
    "heads_per_kind": 0,
    "train#dataset#first_heads": 1,
    "train#dataloader#prefetch_factor": 1,
}
"""Overrides that make a training of seconds."""


def train_by_torchrun(overlays: tuple[str, ...], folder: Path, values: dict[str, Any]) -> str:
    """Run monai.bundle in two processes, in a folder; what it printed and logged."""
    files = ",".join(f"'{ROOT / 'bundle' / 'configs' / name}'" for name in ("train.json", *overlays))
    given = {"bundle_root": ROOT / "bundle", "device": "cpu", "backend": "gloo", **values}
    options = [text for key, value in given.items() for text in (f"--{key}", str(value))]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*torchrun, "-m", "monai.bundle", "run", "--config_file", f"[{files}]", *options],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def test_it_learns_keeps_its_heads_goes_on_and_runs_in_two_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_the_toy_head(monkeypatch)
    maps, output, drawn = toy_maps(tmp_path / "maps", "abc"), tmp_path / "out", tmp_path / "drawn"
    common = {**TINY, "dataset_dir": str(maps), "output_dir": str(output), "drawn_dir": str(drawn)}
    train(("density_train.json",), **common, max_epochs=1)
    kept = {path: path.stat().st_mtime_ns for path in drawn.iterdir()}
    assert len(kept) == 2, "one to learn from, one to validate on"
    (output / "best.pt").unlink()
    log = train_by_torchrun(("density_train.json", "multi_gpu_train.json"), tmp_path, {**common, "max_epochs": 2})
    assert {path: path.stat().st_mtime_ns for path in drawn.iterdir()} == kept
    assert sorted(path.name for path in output.glob("checkpoint*.pt")) == [
        "checkpoint_epoch=1.pt",
        "checkpoint_epoch=2.pt",
    ], "one process saves"
    assert log.count("brain_error_mm best value") == 1, "one process validates"
    best = torch.load(output / "best.pt", weights_only=True)
    assert (best["epoch"], best["metric"]) == (2, "brain_error_mm")
    assert not any(name.startswith("module.") for name in best["network"])
    state = torch.load(output / "checkpoint_epoch=2.pt", weights_only=True)
    assert (state["trainer"]["iteration"], state["optimizer"]["state"][0]["step"]) == (4, 4)
    network = density_net()
    network.load_state_dict(state["network"])
    assert network.nodes.any()
    with (output / "learning_curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["iterations"] for row in rows] == ["2", "4"]
    assert 0 < float(rows[-1]["brain_error_mm"]) < 255
    assert {"surprise_auroc", "one_sided_surprise_auroc"} <= rows[-1].keys()
