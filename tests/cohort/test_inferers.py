"""Networks that workers share: their answers, with metadata, are those of networks of one's own, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor

from scripts.cohort.inferers import (
    EVIDENCE,
    POSITIONS,
    SharedEvidenceInferer,
    SharedPositionInferer,
    network_functions,
    shared_networks,
)
from scripts.cohort.runner import Plan
from scripts.networks.inferers import DensePositionInferer, EvidenceInferer
from scripts.processes.serving import serving
from scripts.workflow import parsed_configs

CONFIGS = ("inference.json",)


@pytest.fixture(scope="module")
def head() -> MetaTensor:
    """A ball of noise (1, 2, 60, 60, 60), collated, on an oblique grid."""
    generator = torch.Generator().manual_seed(0)
    axes = torch.meshgrid(*[torch.arange(60.0)] * 3, indexing="ij")
    inside = sum((axis - 30) ** 2 for axis in axes) < 20**2
    values = torch.rand((1, 2, 60, 60, 60), generator=generator) * inside
    affine = torch.tensor([[0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 2, 7], [0, 0, 0, 1]], dtype=torch.float64)
    image = MetaTensor(values, affine=affine[None], meta={"name": ["ball"]})
    image.is_batch = True
    return image


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("shared")
    return Plan(CONFIGS, {"stride": 4}, folder, folder / "registered")


def test_positions_are_those_of_the_inferer_with_its_metadata(plan: Plan, head: MetaTensor) -> None:
    parser = parsed_configs(CONFIGS)
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(parser.get_parsed_content("weights"), weights_only=True))
    expected = DensePositionInferer(4, margin=4)(head, network)
    with serving(network_functions(plan, "cpu")) as server:
        found = SharedPositionInferer(server.address, 4)(head, torch.nn.Identity())
    assert isinstance(found, MetaTensor)
    assert found.as_tensor().numpy().tobytes() == expected.as_tensor().numpy().tobytes()
    assert (
        found.meta["inference"] == expected.meta["inference"] == {"device": ["cpu"], "tile": [32], "fallback": [False]}
    )
    assert torch.equal(found.affine, expected.affine)
    assert found.meta["name"] == ["ball"]
    assert found.is_batch


def test_evidence_is_that_of_the_inferer(plan: Plan) -> None:
    blocks = torch.zeros(1, 3, 60, 60, 60)
    blocks[..., 10:50, 10:50, 10:50] = torch.rand((1, 3, 40, 40, 40), generator=torch.Generator().manual_seed(1))
    measure = parsed_configs(CONFIGS).get_parsed_content("evidence")
    expected: Tensor = EvidenceInferer(1.5)(blocks, measure.ready())
    with serving(network_functions(plan, "cpu")) as server:
        found = SharedEvidenceInferer(server.address)(blocks, torch.nn.Identity())
    np.testing.assert_array_equal(found.numpy(), expected.numpy())
    assert found.isfinite().any()
    assert isinstance(found, MetaTensor)
    assert found.meta["inference"] == {"device": "cpu", "tile": 16, "fallback": False}


def test_a_worker_s_config_has_the_shared_networks_in_place_of_its_own(plan: Plan) -> None:
    with shared_networks(plan, "cpu") as (shared, server):
        parser = parsed_configs(CONFIGS)
        parser.update(shared.values)
        assert isinstance(parser.get_parsed_content("evidence").inferer, SharedEvidenceInferer)
        assert isinstance(parser.get_parsed_content("evaluator#inferer"), SharedPositionInferer)
        assert isinstance(parser.get_parsed_content("inferer"), DensePositionInferer), "which the results name"
        assert parser.get_parsed_content("device") == torch.device("cpu")
        assert set(server.functions) == {POSITIONS, EVIDENCE}


def test_what_a_shared_network_raises_is_raised_in_the_worker(plan: Plan, head: MetaTensor) -> None:
    with serving(network_functions(plan, "cpu")) as server, pytest.raises(ValueError, match="must be"):
        SharedPositionInferer(server.address, 4)(head[0], torch.nn.Identity())
