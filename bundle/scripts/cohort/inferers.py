"""Networks that several workers share: they run in one process, which has the device and the weights, for all of them.

A worker reads, registers and resamples a scan, sends the networks' inputs to that process, and goes on with the answer
on its CPU. The process runs the inferers of the config, scan by scan, so that the answers are those of a worker with
networks of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from monai.inferers.inferer import Inferer
from torch import Tensor

from ..anomaly.measure import MeasureEvidence
from ..networks.density import STEP
from ..networks.inferers import PositionInferer, placed
from ..processes.serving import Address, Server, ask, serving
from ..workflow import device_values, parsed_configs
from .runner import Plan

POSITIONS, EVIDENCE = "positions", "evidence"
"""Names of the server's functions."""


class SharedPositionInferer(Inferer):
    """Stands for a `PositionInferer` in a worker."""

    def __init__(self, address: Address, stride: int) -> None:
        """Ask the server at an address, whose inferer has this stride."""
        self.address, self.stride = address, stride

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Predicted positions (B, 3, ...) of inputs (B, C, I, J, K); the worker's own network is not asked."""
        predicted, facts = ask(self.address, POSITIONS, plain(inputs))
        return placed(torch.from_numpy(predicted), inputs, self.stride, facts)


class SharedEvidenceInferer(Inferer):
    """Stands for an `EvidenceInferer` in a worker."""

    def __init__(self, address: Address) -> None:
        """Ask the server at an address."""
        self.address = address

    def __call__(self, inputs: Tensor, network: Any, *args: Any, **kwargs: Any) -> Tensor:
        """Evidence (B, 20, n, n, n) of inputs (B, C, D, H, W); the worker's own network is not asked."""
        found, facts = ask(self.address, EVIDENCE, plain(inputs))
        return placed(torch.from_numpy(found), inputs, STEP, facts)


def plain(inputs: Tensor) -> Any:
    """Inputs as an array, which is pickled without PyTorch's shared memory: containers have little of it."""
    return torch.as_tensor(inputs).detach().cpu().numpy()


def positions(inferer: PositionInferer, network: torch.nn.Module, inputs: Any) -> tuple[Any, dict[str, Any]]:
    """Predicted positions (B, 3, ...) of inputs (B, C, I, J, K), arrays, by a network; and what the inferer says."""
    device = next(network.parameters()).device
    predicted = inferer(torch.from_numpy(inputs).to(device), network)
    return plain(predicted), dict(predicted.meta["inference"])


def evidence(measure: MeasureEvidence, inputs: Any) -> tuple[Any, dict[str, Any]]:
    """Evidence (B, 20, n, n, n) of inputs (B, C, D, H, W), arrays; and what the inferer says."""
    found = measure.inferer(torch.from_numpy(inputs), measure.ready())
    return plain(found), dict(found.meta["inference"])


def network_functions(plan: Plan, device: str) -> Mapping[str, Callable[[Any], Any]]:
    """The networks of a plan on a device ("auto", "cpu", "cuda", "cuda:N"), loaded, as functions of a server."""
    parser = parsed_configs(plan.configs)
    parser.update({**plan.values, **device_values(device)})
    network, inferer, measure, weights = (
        parser.get_parsed_content(name) for name in ("network", "inferer", "evidence", "weights")
    )
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return {POSITIONS: partial(positions, inferer, network), EVIDENCE: partial(evidence, measure)}


@contextmanager
def shared_networks(plan: Plan, device: str) -> Iterator[tuple[Plan, Server]]:
    """A plan whose cases are scored by networks of this process, and their server, while the context lasts."""
    with serving(network_functions(plan, device)) as server:
        yield replace(plan, values={**plan.values, **served_values(server.address)}), server


def served_values(address: Address) -> dict[str, Any]:
    """Values of ids of inference.json with which a worker, on its CPU, asks the server at an address."""
    here = "scripts.cohort.inferers"
    return {
        **device_values("cpu"),
        "evaluator#inferer": {"_target_": f"{here}.SharedPositionInferer", "address": address, "stride": "@stride"},
        "evidence#inferer": {"_target_": f"{here}.SharedEvidenceInferer", "address": address},
    }
