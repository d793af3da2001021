"""The lattice: symmetric, and around every place of the head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from density_net import density_net
from monai.transforms import LoadImage

from scripts.assets import asset
from scripts.networks.density import node_weights
from scripts.networks.evidence import LATTICE_MM
from scripts.training.lattice import head_lattice, over_head

MASKS = asset("models/reference_masks.nii.gz")


def test_the_shipped_lattice_is_symmetric_and_holds_every_place_of_the_head() -> None:
    network = density_net()
    nodes = over_head(network, MASKS).nodes
    mirrored = torch.stack([1 - nodes[:, 0], nodes[:, 1], nodes[:, 2]], dim=1)
    apart = torch.cdist(mirrored, nodes).min(dim=1).values
    assert apart.max() < 0.01, "neighbours are 0.086 apart"
    assert (nodes[:, 0] - 0.5).abs().min() * 255 == pytest.approx(LATTICE_MM / 2, abs=1e-3)
    head = LoadImage(image_only=True, dtype=np.uint8)(MASKS).numpy() & 1
    places = torch.from_numpy(np.argwhere(head[::16, ::16, ::16]) * 16 / 255).float()
    assert (node_weights(places, nodes, LATTICE_MM / 255).sum(dim=1) > 0.99).all()


def test_a_network_for_another_number_of_nodes_is_refused() -> None:
    with pytest.raises(ValueError, match="set nodes to the former"):
        over_head(density_net(3), MASKS)


def test_an_empty_head_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        head_lattice(np.zeros((256, 256, 256), bool))
