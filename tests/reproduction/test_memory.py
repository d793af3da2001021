"""Setups are the configs' own trainings: the batch, the network and the step."""

from __future__ import annotations

import argparse
import json

import pytest
import torch

from reproduction import memory as setups
from reproduction.memory import MEASURED, NETWORKS, Setup, measured_here, one_batch, setup, trainer, training_config
from scripts.assets import config
from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.networks.position import DensePositionNet, PatchPositionNet, count_parameters


@pytest.mark.parametrize(
    ("text", "shape"), [("position:2:3", (1, 3, 1, 31, 31, 31)), ("dense:2:3", (3, 1, 67, 67, 67))]
)
def test_a_batch_is_what_the_data_loader_gives(text: str, shape: tuple[int, ...]) -> None:
    batch = one_batch(training_config(setup(text), "cpu"))
    assert tuple(batch["image"].shape) == shape
    assert batch["image"].dtype == (torch.int16 if text.startswith("dense") else torch.float32)
    assert batch["image"].float().std() > 0


@pytest.mark.parametrize(("name", "sides"), [("autoencoder", (256, 256, 256)), ("autoencoder_box", (176, 224, 176))])
def test_the_autoencoder_sees_the_whole_grid_or_its_box(name: str, sides: tuple[int, ...]) -> None:
    parser = training_config(Setup(name, 1, 4), "cpu")
    assert tuple(end - start for start, end in zip(parser["box_start"], parser["box_end"], strict=True)) == sides
    assert parser["crops_per_iteration"] == 4


def test_the_trainer_is_the_config_s() -> None:
    """Whatever the config gives to its trainer is given here too, but for what does not belong to an iteration."""
    ours = trainer(training_config(setup("position:1:2"), "cpu"), [])
    given = set(json.loads(config("train.json").read_text())["train"]["trainer"]) - {"_target_"}
    other = {"max_epochs", "epoch_length", "train_data_loader", "key_train_metric", "train_handlers", "metric_cmp_fn"}
    taken = {"device", "prepare_batch", "network", "optimizer", "loss_function", "inferer"}
    assert given == other | taken
    assert count_parameters(ours.network) == count_parameters(PatchPositionNet(1))
    assert type(ours.optimizer) is torch.optim.Adam


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("position:1:2", PatchPositionNet(1)),
        ("dense:1:1", DensePositionNet(1, 39, 2)),
        ("autoencoder_box:1:1", SpatialAutoencoder(1)),
    ],
)
def test_every_network_is_measured(text: str, network: torch.nn.Module) -> None:
    found = measured_here(setup(text), "cpu", 2)
    assert found["status"] == MEASURED
    assert found["parameters"] == count_parameters(network)
    assert 1 < found["memory_mb"] < 2000


def test_more_is_more() -> None:
    few, many = (measured_here(Setup("position", 2, batch), "cpu", 2)["memory_mb"] for batch in (4, 32))
    assert many > 2 * few


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_what_does_not_fit_is_said(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(setups, "trainer", full)
    found = measured_here(setup("position:1:2"), "cpu", 2, budget=5 * 2**20)
    assert found == {"parameters": 7451, "status": "out of memory: 5 MB were free"}


def test_another_error_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(setups, "trainer", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        measured_here(setup("position:1:2"), "cpu", 2)


@pytest.mark.parametrize("text", ["position", "position:16", "position:16:0", "unet:1:1", "dense:a:1", "dense:1:1:1"])
def test_what_is_no_setup_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=rf"'{text}' is no NETWORK:WIDTH:BATCH.*{', '.join(NETWORKS)}"):
        setup(text)
