"""train_scans.json under other trainings: on listed scans, prepared once for all."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from trainings import ROOT, register_slabs, train

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.commands.main import main
from scripts.commands.prepare import DONE, Outcome, prepare_image
from scripts.networks.position import PatchPositionNet, add_spectral_norm

pytestmark = pytest.mark.xdist_group("scan_trainings")

SAMPLE = ROOT / "sample" / "dicom"
TINY = {"width": 1, "iterations_per_epoch": 2, "max_epochs": 1, "val_interval": 1, "train#dataset#first_heads": 1}
"""Overrides that make a training of seconds."""

NETWORKS = {
    "published_train.json": (
        add_spectral_norm(PatchPositionNet(1)),
        {"patches_per_head": 4, "val_stride": 64},
        "brain_error_mm",
    ),
    "autoencoder.json": (
        SpatialAutoencoder(1),
        {"box_start": [112, 112, 112], "box_end": [144, 160, 144]},
        "mean_absolute_error",
    ),
}
"""For each overlay: the network, overrides of its own, and the metric of its validation."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a list of one scan, which is prepared; nothing has been trained."""
    folder = tmp_path_factory.mktemp("scans")
    scan = [{"case": "sample", "image": str(SAMPLE), "series_uid": None, "labels": {}}]
    with pytest.MonkeyPatch.context() as patched:
        register_slabs(patched)
        assert prepare_image(folder / "prepared", str(SAMPLE)) == Outcome(DONE)
    assert len(list((folder / "prepared").glob("*.pt"))) == 1
    (folder / "list.json").write_text(json.dumps({"training": scan, "validation": scan, "test": []}))
    return folder


def test_the_density_network_goes_on_learning_from_listed_scans(prepared: Path) -> None:
    output = prepared / "density"
    folders = {"datalist": str(prepared / "list.json"), "prepared_dir": str(prepared / "prepared")}
    values = {"iterations_per_epoch": 2, "max_epochs": 1, "crop_size": 21, "crops_per_iteration": 2}
    overlays = ("density_train.json", "train_scans.json", "density_scans.json")
    train(overlays, **values, **folders, **{"train#dataset#first_heads": 1}, output_dir=str(output))
    with (output / "learning_curve.csv").open() as file:
        before, after = csv.DictReader(file)
    assert (before["epoch"], after["epoch"]) == ("0", "1"), "what the training starts from is measured, too"
    metrics = {"brain_error_mm", "skull_error_mm", "smallest_field_error_mm"}
    assert {name for name in after if name.endswith(("mm", "auroc"))} == metrics
    assert all(0 < float(row[name]) < 100 for row in (before, after) for name in metrics)
    assert not (output / "drawn").exists(), "no head is drawn"
    assert main(["export", str(output), "--config", "density_train.json", "-o", str(output / "evidence.pt")]) == 0
    shipped, trained = (
        torch.load(path, weights_only=True)
        for path in (ROOT / "bundle" / "models" / "evidence.pt", output / "evidence.pt")
    )
    torch.testing.assert_close(trained["nodes"], shipped["nodes"], rtol=0, atol=1e-6)
    changes = [(trained[name] - shipped[name]).abs().max().item() for name in shipped]
    assert 0 < max(changes) < 0.05, "it started from the weights that ship, and learned"


@pytest.mark.parametrize("overlay", NETWORKS)
def test_published_networks_learn_from_listed_scans(overlay: str, prepared: Path) -> None:
    network, values, metric = NETWORKS[overlay]
    kept = {path: path.stat().st_mtime_ns for path in (prepared / "prepared").iterdir()}
    output = prepared / overlay
    folders = {"datalist": str(prepared / "list.json"), "prepared_dir": str(prepared / "prepared")}
    train(("train_scans.json", overlay), **TINY, **values, **folders, output_dir=str(output))
    assert metric in (output / "learning_curve.csv").read_text()
    assert {path: path.stat().st_mtime_ns for path in (prepared / "prepared").iterdir()} == kept
    state = torch.load(output / "checkpoint_epoch=1.pt", weights_only=True)
    network.load_state_dict(state["network"])
    assert state["optimizer"]["state"][0]["step"] == 2
    assert (
        state["optimizer"]["param_groups"][0]["lr"] == {"published_train.json": 1e-4, "autoencoder.json": 1e-5}[overlay]
    )
