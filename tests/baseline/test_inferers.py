"""The inferer of the published autoencoder: what it shows the network, and what it gives back."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor, nn

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.baseline.inferers import ReconstructionInferer

START, END = [2, 0, 4], [18, 16, 20]


class Shift(nn.Module):
    """Adds 1 and remembers what it saw; out of memory as often as it is told."""

    def __init__(self, failures: int = 0, error: str = "can't allocate memory") -> None:
        super().__init__()
        self.weight, self.failures, self.error = nn.Parameter(torch.ones(1)), failures, error
        self.seen: list[Any] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append((tuple(inputs.shape), self.training, torch.is_grad_enabled()))
        if self.failures:
            self.failures -= 1
            raise RuntimeError(self.error)
        return inputs + self.weight


def test_the_network_sees_the_box_and_nothing_is_known_outside_it() -> None:
    inputs, network = torch.rand(2, 1, 20, 18, 24), Shift().train()
    found = ReconstructionInferer(START, END)(inputs, network)
    assert network.seen == [((2, 1, 16, 16, 16), False, False)]
    box = (slice(None), slice(None), slice(2, 18), slice(0, 16), slice(4, 20))
    torch.testing.assert_close(found[box].as_tensor(), inputs[box] + 1)
    assert int(found.as_tensor().isfinite().sum()) == 2 * 16**3
    assert found.meta["inference"] == {"device": "cpu", "fallback": False}


def test_the_grid_of_the_scan_is_kept() -> None:
    inputs = MetaTensor(torch.rand(1, 1, 20, 18, 24), affine=torch.diag(torch.tensor([2.0, 2, 2, 1])))
    inputs.meta["note"] = "kept"
    found = ReconstructionInferer(START, END)(inputs, Shift())
    assert torch.equal(found.affine, inputs.affine)
    assert found.meta["note"] == "kept"


def test_an_autoencoder_reconstructs() -> None:
    network = SpatialAutoencoder(1)
    found = ReconstructionInferer(START, END)(inputs=torch.rand(1, 1, 20, 18, 24), network=network)
    known = found.as_tensor()[found.as_tensor().isfinite()]
    assert len(known) == 16**3
    assert 0 < known.min() < known.max() < 1


@pytest.mark.parametrize("shape", [(1, 2, 20, 18, 24), (1, 20, 18, 24)])
def test_other_inputs_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"inputs must be \(B, 1, I, J, K\), got"):
        ReconstructionInferer(START, END)(torch.zeros(shape), Shift())


def test_a_box_beyond_the_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="a box must lie in the grid"):
        ReconstructionInferer(START, END)(torch.zeros(1, 1, 16, 16, 16), Shift())


def test_errors_of_the_network_go_on() -> None:
    for error in ("shapes differ", "can't allocate memory"):  # on the CPU there is nowhere else to go
        with pytest.raises(RuntimeError, match=error):
            ReconstructionInferer(START, END)(torch.zeros(1, 1, 20, 18, 24), Shift(1, error))


class OnMeta(Shift):
    """As if it were on a GPU until it is moved: there, out of memory as often as it is told."""

    def __init__(self, failures: int) -> None:
        super().__init__(failures)
        self.weight = nn.Parameter(torch.ones(1, device="meta"))

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self.weight, self.failures = nn.Parameter(torch.ones(1)), 0
        return self


def test_out_of_memory_on_a_gpu_the_cpu_does_it_and_the_network_stays_there() -> None:
    inputs, network = torch.rand(1, 1, 20, 18, 24), OnMeta(2)
    for _ in range(2):
        found = ReconstructionInferer(START, END)(inputs, network)
        assert found.meta["inference"] == {"device": "cpu", "fallback": True}
        assert found[0, 0, 2, 0, 4] == inputs[0, 0, 2, 0, 4] + 1
        assert network.weight.device.type == "meta"
    assert len(network.seen) == 2, "each scan is tried there first"
