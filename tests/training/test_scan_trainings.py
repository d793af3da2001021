"""train_scans.json under the published trainings, run as a user runs them: on listed scans, prepared once for all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.commands.prepare import DONE, Outcome, prepare_image
from scripts.networks.position import PatchPositionNet, add_spectral_norm

pytestmark = pytest.mark.xdist_group("scan_trainings")

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample" / "dicom"
TINY = {
    "width": "1",
    "iterations_per_epoch": "2",
    "max_epochs": "1",
    "val_interval": "1",
    "train#dataset#first_heads": "1",
    "device": "cpu",
}
"""Overrides that make a training of seconds."""

NETWORKS = {
    "published_train.json": (
        add_spectral_norm(PatchPositionNet(1)),
        {"patches_per_head": "4", "val_stride": "64"},
        "brain_error_mm",
    ),
    "autoencoder.json": (
        SpatialAutoencoder(1),
        {"box_start": "[112, 112, 112]", "box_end": "[144, 160, 144]"},
        "mean_absolute_error",
    ),
}
"""For each overlay: the network, overrides of its own, and the metric of its validation."""


def bundle_run(folder: Path, overlays: tuple[str, ...], **values: str) -> str:
    """Run monai.bundle on train.json with overlays and scans listed in the folder; what it printed and logged."""
    configs = ",".join(f"'{ROOT / 'bundle' / 'configs' / name}'" for name in ("train.json", *overlays))
    common = {"bundle_root": str(ROOT / "bundle"), "datalist": str(folder / "list.json")}
    common |= {"prepared_dir": str(folder / "prepared"), **TINY, **values}
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", f"[{configs}]"]
        + [text for key, value in common.items() for text in (f"--{key}", value)],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a list of one scan, which is prepared; nothing has been trained."""
    folder = tmp_path_factory.mktemp("scans")
    scan = [{"case": "sample", "image": str(SAMPLE), "series_uid": None, "labels": {}}]
    assert prepare_image(folder / "prepared", str(SAMPLE)) == Outcome(DONE)
    assert len(list((folder / "prepared").glob("*.pt"))) == 1
    (folder / "list.json").write_text(json.dumps({"training": scan, "validation": scan, "test": []}))
    return folder


@pytest.mark.parametrize("overlay", NETWORKS)
def test_published_networks_learn_from_listed_scans(overlay: str, prepared: Path) -> None:
    network, values, metric = NETWORKS[overlay]
    kept = {path: path.stat().st_mtime_ns for path in (prepared / "prepared").iterdir()}
    output = prepared / overlay
    log = bundle_run(prepared, ("train_scans.json", overlay), output_dir=str(output), **values)
    assert metric in log
    assert {path: path.stat().st_mtime_ns for path in (prepared / "prepared").iterdir()} == kept
    state = torch.load(output / "checkpoint_epoch=1.pt", weights_only=True)
    network.load_state_dict(state["network"])
    assert state["optimizer"]["state"][0]["step"] == 2
    assert (
        state["optimizer"]["param_groups"][0]["lr"] == {"published_train.json": 1e-4, "autoencoder.json": 1e-5}[overlay]
    )
