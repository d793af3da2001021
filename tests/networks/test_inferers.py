"""Inferers against one loop over places, one patch at a time; tiles, memory, metadata."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from density_net import density_net
from monai.data import MetaTensor, decollate_batch, list_data_collate
from torch import Tensor, nn

from scripts.networks.density import DensityPositionNet
from scripts.networks.evidence import evidence_map
from scripts.networks.inferers import (
    AutocastInferer,
    DensePositionInferer,
    EvidenceInferer,
    PatchPositionInferer,
    PositionInferer,
)
from scripts.networks.position import DensePositionNet, PatchPositionNet

STRIDES = [1, 2, 4]
AFFINE = torch.tensor([[0, -1, 0, 9], [1, 0, 0, -7], [0, 0, 2, 5], [0, 0, 0, 1]], dtype=torch.float64)


@pytest.fixture(scope="module")
def network() -> DensePositionNet:
    """A small dense network with patches of 19 voxels."""
    torch.manual_seed(0)
    return DensePositionNet(2, 19, in_channels=2)


@pytest.fixture(scope="module")
def head() -> Tensor:
    """A ball of varying brightness with a cavity, at one end of an odd-sized volume; 0 around it."""
    i, j, k = torch.meshgrid(torch.arange(18.0), torch.arange(7.0), torch.arange(9.0), indexing="ij")
    radius = ((i - 3) / 3.4) ** 2 + ((j - 3) / 3.4) ** 2 + ((k - 4) / 3.8) ** 2
    ball = torch.stack([torch.sin(i / 2) ** 2 + 0.1, torch.cos(j * k / 9) ** 2 + 0.1])
    return (ball * ((radius < 1) & (radius > 0.1)))[None]


@pytest.fixture(scope="module")
def expected(network: DensePositionNet, head: Tensor) -> Tensor:
    """The dense network's answer for every voxel of the head's volume, one patch at a time."""
    return one_by_one(network, head, 19, 1)


def one_by_one(network: nn.Module, inputs: Tensor, size: int, stride: int) -> Tensor:
    """The obvious way: pad, and ask for every place of every volume."""
    r = size // 2
    padded = torch.nn.functional.pad(inputs, [r] * 6)
    counts = [-(-n // stride) for n in inputs.shape[2:]]
    answers = torch.empty(len(inputs), 3, *counts)
    with torch.no_grad():
        for place in product(*(range(n) for n in counts)):
            a, b, c = (p * stride for p in place)
            answers[:, :, *place] = network(padded[:, :, a : a + size, b : b + size, c : c + size])
    return answers


def spread_of_difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference, as a share of the standard deviation of what is expected."""
    return float((torch.as_tensor(found) - expected).abs().max() / expected.std())


@pytest.mark.parametrize("stride", STRIDES)
def test_dense_is_exact_everywhere_and_shifted_is_not(
    network: DensePositionNet, head: Tensor, expected: Tensor, stride: int
) -> None:
    expected = expected[:, :, ::stride, ::stride, ::stride]
    found = DensePositionInferer(stride)(head, network)
    assert found.shape == (1, 3, -(-18 // stride), -(-7 // stride), -(-9 // stride))
    assert spread_of_difference(found, expected) <= 1e-5
    assert spread_of_difference(found[:, :, 1:], expected[:, :, :-1]) > 0.1


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_patch_by_patch_is_exact_everywhere(head: Tensor, stride: int) -> None:
    published = PatchPositionNet(1, in_channels=2).eval()
    expected = one_by_one(published, head, 19, stride)
    found = PatchPositionInferer(stride, batch_size=17, patch_size=19)(head, published)
    assert spread_of_difference(found, expected) <= 1e-4
    assert spread_of_difference(found[:, :, 1:], expected[:, :, :-1]) > 0.1


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("margin", [None, 0, 2])
def test_no_bit_depends_on_the_tile(network: DensePositionNet, head: Tensor, stride: int, margin: int | None) -> None:
    whole = DensePositionInferer(stride, tile=64, margin=margin)(head, network)
    for tile in (1, 3, 8) if stride > 1 else (5, 8):
        found = DensePositionInferer(stride, tile=tile, margin=margin)(head, network)
        assert torch.equal(found.nan_to_num(-9.0), whole.nan_to_num(-9.0))


def test_with_margin_0_the_head_is_exact_and_of_the_rest_nothing_is_said(
    network: DensePositionNet, head: Tensor, expected: Tensor
) -> None:
    found = DensePositionInferer(1, margin=0)(head, network).as_tensor()
    solid = (head != 0).any(1)[0]
    solid[3, 3, 4] = True  # the cavity belongs to the head
    assert not head[0, :, 3, 3, 4].any()
    assert spread_of_difference(found[..., solid], expected[..., solid]) <= 1e-5
    assert found[0, :, 9, 6, 8].isnan().all()


@pytest.mark.parametrize("inferer", [DensePositionInferer(2), PatchPositionInferer(2, patch_size=19)])
def test_a_volume_of_background_gets_one_answer(network: DensePositionNet, inferer: PositionInferer) -> None:
    found = inferer(torch.zeros(1, 2, 5, 6, 7), network)
    expected = network(torch.zeros(1, 2, 19, 19, 19)).view(1, 3, 1, 1, 1).expand(1, 3, 3, 3, 4)
    assert torch.equal(found.as_tensor(), expected)


def test_bfloat16_is_near(network: DensePositionNet, head: Tensor) -> None:
    exact = DensePositionInferer(2)(head, network).as_tensor()
    near = DensePositionInferer(2, precision="bfloat16")(head, network)
    assert near.dtype == torch.float32
    assert 0 < (near.as_tensor() - exact).abs().mean() < 0.05 * exact.std()


def test_the_result_has_the_affine_of_its_grid_and_keeps_the_rest(network: DensePositionNet, head: Tensor) -> None:
    inputs = MetaTensor(head, affine=AFFINE, meta={"filename_or_obj": "x"})
    result = DensePositionInferer(stride=4)(inputs=inputs, network=network)
    assert isinstance(result, MetaTensor)
    voxel = np.array([3, 2, 1, 1])
    assert (result.affine.numpy() @ voxel == AFFINE.numpy() @ (voxel * [4, 4, 4, 1])).all()
    assert result.meta["filename_or_obj"] == "x"
    assert result.meta["inference"] == {"device": "cpu", "tile": 32, "fallback": False}
    assert torch.equal(inputs.affine, AFFINE)
    assert "inference" not in inputs.meta


def test_a_collated_batch_comes_apart_again(network: DensePositionNet, head: Tensor) -> None:
    other = AFFINE.clone()
    other[0, 3] = -50
    items = [{"image": MetaTensor(head[0] * s, affine=a)} for s, a in ((1, AFFINE), (0.5, other))]
    batch = list_data_collate(items)
    batch["pred"] = DensePositionInferer(2)(batch["image"], network)
    apart = decollate_batch(batch)
    for item, alone in zip(apart, items, strict=True):
        single = DensePositionInferer(2)(alone["image"][None], network)
        assert torch.equal(item["pred"].as_tensor(), single[0].as_tensor())
        assert torch.equal(item["pred"].affine, single.affine)
        assert item["pred"].meta["inference"]["fallback"] is False


def test_the_network_is_left_as_it_is(head: Tensor) -> None:
    network = DensePositionNet(2, 19, in_channels=2, spectral_norm=True)
    before = {name: (value.clone(), value.stride()) for name, value in network.state_dict().items()}
    DensePositionInferer(2, precision="bfloat16")(head, network)
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name][0])
        assert value.stride() == before[name][1]


class Hungry(DensePositionNet):
    """Runs out of memory on inputs above a size."""

    limit = 0
    error: type[RuntimeError] = torch.OutOfMemoryError

    def dense(self, inputs: Tensor, stride: int) -> Tensor:
        """As in `DensePositionNet`."""
        if max(inputs.shape[2:]) > self.limit:
            raise self.error("DefaultCPUAllocator: can't allocate memory")
        return super().dense(inputs, stride)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_out_of_memory_halves_the_tile_and_the_result_says_so(head: Tensor, error: type[RuntimeError]) -> None:
    network = Hungry(2, 19, in_channels=2)
    network.error, network.limit = error, 19 + 8
    result = DensePositionInferer(1, tile=32)(head, network)
    assert result.meta["inference"] == {"device": "cpu", "tile": 8, "fallback": True}
    network.limit = 100
    assert torch.equal(DensePositionInferer(1)(head, network), result)


def test_when_nothing_helps_the_error_says_what_to_do(head: Tensor) -> None:
    with pytest.raises(MemoryError, match="even with tile 8; use a larger stride"):
        DensePositionInferer(1)(head, Hungry(1, 19, in_channels=2))


def test_after_the_smallest_tile_on_a_gpu_the_cpu_is_tried() -> None:
    attempts = list(DensePositionInferer(2)._attempts(torch.device("cuda:0")))
    assert [(device.type, tile) for device, tile in attempts] == [*product(["cuda", "cpu"], [32, 16, 8])]


def test_the_fallback_from_a_gpu_gives_the_answers_of_the_cpu(
    network: DensePositionNet, head: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = [(torch.device("cuda:0"), 8), (torch.device("cpu"), 32)]
    monkeypatch.setattr(DensePositionInferer, "_attempts", lambda self, device: iter(attempts))
    original = DensePositionInferer._attempt

    def attempt(self: Any, volumes: Tensor, net: nn.Module, device: torch.device, portion: int) -> Tensor | None:
        return original(self, volumes, net, device, portion) if device.type == "cpu" else None

    monkeypatch.setattr(DensePositionInferer, "_attempt", attempt)
    monkeypatch.setattr(DensePositionInferer, "_device", staticmethod(lambda network: torch.device("cuda:0")))
    result = DensePositionInferer(4)(head, network)
    assert result.meta["inference"] == {"device": "cpu", "tile": 32, "fallback": True}


def test_other_errors_are_not_taken_for_lack_of_memory(head: Tensor) -> None:
    with pytest.raises(RuntimeError, match="to have 1 channels"):
        DensePositionInferer(4)(head, DensePositionNet(1, 19))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_a_scripted_network_gives_the_same_answers(network: DensePositionNet, head: Tensor) -> None:
    found = DensePositionInferer(2)(head, torch.jit.script(network))
    assert torch.allclose(found.as_tensor(), DensePositionInferer(2)(head, network).as_tensor(), atol=1e-6)


def test_the_autocast_inferer_trains(network: DensePositionNet) -> None:
    patches = torch.rand(2, 2, 19, 19, 19)
    assert torch.equal(AutocastInferer()(inputs=patches, network=network), network(patches))
    outputs = AutocastInferer("bfloat16")(patches, network)
    assert outputs.dtype == torch.float32
    assert outputs.requires_grad


def test_what_cannot_be_done_is_refused(network: DensePositionNet, head: Tensor) -> None:
    with pytest.raises(ValueError, match=r"stride must be one of \(1, 2, 4\), got 3; PatchPositionInferer takes any"):
        DensePositionInferer(3)
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        PatchPositionInferer(batch_size=0)
    with pytest.raises(ValueError, match="precision must be one of"):
        DensePositionInferer(precision="float16")
    with pytest.raises(ValueError, match=r"inputs must be \(B, C, I, J, K\), got \(2, 18, 7, 9\)"):
        DensePositionInferer()(head[0], network)
    with pytest.raises(TypeError, match=r"PatchPositionNet has no method dense.*use PatchPositionInferer"):
        DensePositionInferer()(head, PatchPositionNet(1, in_channels=2))


def test_evidence_is_computed_in_one_thread_and_others_get_theirs_back() -> None:
    seen, threads = [], torch.get_num_threads()
    network = density_net(5)
    network.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    blocks = torch.zeros(1, 3, 31, 31, 31)
    blocks[..., 8:20, 9:21, 10:22] = 0.5
    torch.set_num_threads(2)
    try:
        EvidenceInferer(1.5)(blocks, network.eval())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert set(seen) == {1}


def test_evidence_is_asked_of_the_head_s_places_and_the_network_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    network = density_net(5).train()
    network.nodes.copy_(torch.rand(5, 3))
    blocks = torch.zeros(2, 3, 31, 31, 31)
    blocks[0, :, 8:20, 9:21, 10:22] = torch.rand(3, 12, 12, 12)
    found = EvidenceInferer(1.5, margin=1)(MetaTensor(blocks), network)
    assert found.shape == (2, 20, 16, 16, 16)
    assert found[1].isnan().all(), "nothing but background"
    asked = found[0].isfinite().all(dim=0)
    lines = [asked.any(dim=d).nonzero()[:, 0].tolist() for d in ((1, 2), (0, 2), (0, 1))]
    assert lines == [list(range(4, 11)), list(range(4, 11)), list(range(5, 12))]
    torch.testing.assert_close(found[0], evidence_map(network, blocks[0], asked, 1.5).flatten(0, 1), equal_nan=True)
    assert network.training
    with pytest.raises(ValueError, match=r"\(B, C, D, H, W\)"):
        EvidenceInferer(1.5)(blocks[0], network)


class HungryDensity(DensityPositionNet):
    """Runs out of memory on inputs above a size."""

    limit = 0

    def forward(self, inputs: Tensor, places: Tensor | None = None) -> Tensor:
        """As in `DensityPositionNet`."""
        if max(inputs.shape[2:]) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(inputs, places)


def hungry_density(limit: int) -> tuple[HungryDensity, Tensor]:
    """A network with such a limit, and a head that takes a tile of 10 places."""
    torch.manual_seed(0)
    network = HungryDensity(5, [[0, 1]], 33).eval()
    network.nodes.copy_(torch.rand(5, 3))
    network.limit = limit
    blocks = torch.zeros(1, 1, 31, 31, 31)
    blocks[..., 8:22, 8:22, 8:22] = torch.rand(14, 14, 14)
    return network, blocks


def test_out_of_memory_evidence_is_found_in_smaller_tiles_and_the_result_says_so() -> None:
    network, blocks = hungry_density(17 + 2 * 7)
    found = EvidenceInferer(1.5)(blocks, network)
    assert found.meta["inference"] == {"device": "cpu", "tile": 8, "fallback": True}
    network.limit = 100
    whole = EvidenceInferer(1.5)(blocks, network)
    assert whole.meta["inference"] == {"device": "cpu", "tile": 16, "fallback": False}
    torch.testing.assert_close(found.as_tensor(), whole.as_tensor(), equal_nan=True)
    network.limit = 0
    with pytest.raises(MemoryError, match="even with tile 8; free some memory"):
        EvidenceInferer(1.5)(blocks, network)


def test_on_a_full_gpu_evidence_is_found_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    network, blocks = hungry_density(100)
    gpu, original = torch.device("cuda:0"), EvidenceInferer._attempt
    tried: list[tuple[str, int]] = []

    def attempt(self: Any, volumes: Tensor, net: nn.Module, device: torch.device, portion: int) -> Tensor | None:
        tried.append((device.type, portion))
        return original(self, volumes, net, device, portion) if device.type == "cpu" else None

    monkeypatch.setattr(EvidenceInferer, "_attempt", attempt)
    monkeypatch.setattr(EvidenceInferer, "_device", staticmethod(lambda network: gpu))
    found = EvidenceInferer(1.5)(blocks, network)
    assert tried == [("cuda", 16), ("cuda", 8), ("cpu", 16)]
    assert found.meta["inference"] == {"device": "cpu", "tile": 16, "fallback": True}
