"""Evidence by a slow formula, and the map tile by tile against one place at a time."""

from __future__ import annotations

import math

import pytest
import torch
from density_net import density_net

from scripts.networks import evidence as module
from scripts.networks.density import DensityPositionNet
from scripts.networks.evidence import LATTICE_MM, evidence, evidence_map
from scripts.networks.patches import cut


@pytest.fixture
def network() -> DensityPositionNet:
    torch.manual_seed(0)
    made = density_net(27).eval()
    line = torch.tensor([1.0, 2, 3]) * LATTICE_MM / 255
    made.nodes.copy_(torch.cartesian_prod(line, line, line))
    return made


def slowly(density: torch.Tensor, position: list[float], nodes: torch.Tensor) -> list[float]:
    """Residual, surprise and entropy of one density (N,) at a position, node by node."""
    mean = [sum(float(p) * float(node[axis]) for p, node in zip(density, nodes, strict=True)) for axis in range(3)]
    here = total = 0.0
    for p, node in zip(density, nodes, strict=True):
        weight = math.prod(max(0.0, 1 - abs(position[a] - float(node[a])) * 255 / LATTICE_MM) for a in range(3))
        here, total = here + weight * float(p), total + weight
    entropy = -sum(float(p) * math.log(float(p)) for p in density)
    return [*((mean[axis] - position[axis]) * 255 for axis in range(3)), -math.log(here / total), entropy]


def test_the_map_is_that_of_each_place_alone(network: DensityPositionNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TILE", 3)
    volume = torch.rand(3, 31, 31, 31)
    wanted = torch.zeros(16, 16, 16, dtype=torch.bool)
    wanted[8:13, 6, 9:11] = True
    found = evidence_map(network, volume, wanted, 1.5)
    assert found.shape == (4, 5, 16, 16, 16)
    assert torch.equal(found[0, 0].isfinite(), wanted)
    for i, j, k in ((8, 6, 9), (12, 6, 10)):
        cube = cut(volume, [2 * i - 8, 2 * j - 8, 2 * k - 8], [17] * 3)
        with torch.no_grad():
            density = network(cube[None])[0, :, :, 0, 0, 0].softmax(1)
        position = [(4 * index + 1.5) / 255 for index in (i, j, k)]
        for field in range(4):
            expected = torch.tensor(slowly(density[field], position, network.nodes))
            torch.testing.assert_close(found[field, :, i, j, k], expected, atol=1e-3, rtol=1e-4)


def test_a_sure_and_right_density_has_no_evidence_and_a_wrong_one_much() -> None:
    nodes = torch.tensor([[0.2, 0.2, 0.2], [0.8, 0.2, 0.2]])
    logits = torch.tensor([[[30.0, 0.0]] * 4] * 2)
    weights = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    right, wrong = evidence(logits, nodes, weights, nodes)
    assert right.abs().max() < 1e-3
    torch.testing.assert_close(wrong[0, :3], torch.tensor([-0.6 * 255, 0, 0]), atol=1e-2, rtol=1e-4)
    assert wrong[0, 3] == pytest.approx(-math.log(module.LEAST_DENSITY))
