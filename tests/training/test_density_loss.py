"""The density network's loss by a slow formula; it falls where the density moves to the place."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.networks.evidence import LATTICE_MM
from scripts.training.density_loss import DensityLoss

NODES = torch.tensor([[2.0, 2, 2], [3, 2, 2]]) * LATTICE_MM / 255


def test_the_loss_is_that_of_its_formula() -> None:
    logits = torch.tensor([[[1.0, 0.0], [0.0, 0.5]]])
    position = [2.25, 2.0, 2.0]  # in steps
    expected = 0.0
    for values in logits[0].tolist():
        total = sum(map(math.exp, values))
        p = [math.exp(value) / total for value in values]
        expected += -0.75 * math.log(p[0]) - 0.25 * math.log(p[1])
        expected += 0.3 * abs(2 * p[0] + 3 * p[1] - position[0])
    found = DensityLoss(NODES)(logits, torch.tensor([position]) * LATTICE_MM / 255)
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_the_loss_falls_as_the_density_comes_to_the_place() -> None:
    loss, positions = DensityLoss(NODES), NODES[:1]
    found = [loss(torch.tensor([[[value, 0.0]]]), positions).item() for value in (-5, 0, 5, 20)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 1e-3


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"logits \(n, 4, 2\)"):
        DensityLoss(NODES)(torch.zeros(3, 4, 5), torch.zeros(3, 3))
