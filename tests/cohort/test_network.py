"""What is said of a network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from scripts.assets import sha256
from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.cohort.network import network_facts
from scripts.networks.position import DensePositionNet, PatchPositionNet


@pytest.mark.parametrize(
    ("network", "kind", "parameters"),
    [
        (PatchPositionNet(4), "position", 7311 * 16 + 138 * 4 + 3),
        (SpatialAutoencoder(4), "autoencoder", 5632 * 16 + 218 * 4 + 1),
        (DensePositionNet(2, 23), "position", sum(p.numel() for p in DensePositionNet(2, 23).parameters())),
    ],
)
def test_kind_size_and_weights(network: nn.Module, kind: str, parameters: int, tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "w.pt")
    found = network_facts(network, tmp_path / "w.pt", width=4, patch_size=None, mode="published", stride=4)
    assert found == {
        "kind": kind,
        "width": 4,
        "patch_size": None,
        "parameters": parameters,
        "mode": "published",
        "stride": 4,
        "weights_sha256": sha256(tmp_path / "w.pt"),
    }


def test_weights_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such"):
        network_facts(PatchPositionNet(1), tmp_path / "no-such.pt", width=1, patch_size=31, mode="published", stride=4)
