"""Both networks: published counts, exact receptive fields, dense against patch by patch, spectral norm, scripting."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scripts.networks.position import (
    PATCH_SIZES,
    DensePositionNet,
    PatchPositionNet,
    add_spectral_norm,
    count_parameters,
    fold_spectral_norm,
    he_initialise,
)

PUBLISHED = {1: 7451, 2: 29523, 4: 117531, 8: 469011, 16: 1873827, 32: 7490883, 64: 29954691}
"""Width -> trainable values of the published network, read from the paper's figure."""

DENSE = {1: 970, 2: 3641, 4: 14095, 8: 55451, 16: 219955, 32: 876131, 64: 3497155}
"""Width -> trainable values of the dense network with one input channel."""


@pytest.fixture(autouse=True)
def seed() -> None:
    """Every network is drawn from the same seed: in narrow ones, other draws may leave a ReLU without any signal."""
    torch.manual_seed(0)


def structured(*shape: int) -> Tensor:
    """An input that varies at every scale, as a head does."""
    generator = torch.Generator().manual_seed(1)
    steps = torch.rand(shape, generator=generator).cumsum(-1).cumsum(-2).cumsum(-3)
    return torch.sin(steps / 40) ** 2 + torch.rand(shape, generator=generator) / 4


def patch_by_patch(network: nn.Module, inputs: Tensor, size: int, stride: int) -> Tensor:
    """The obvious way: cut each patch, ask the network."""
    counts = [(side - size) // stride + 1 for side in inputs.shape[2:]]
    answers = torch.empty(1, 3, *counts)
    for i in range(counts[0]):
        for j in range(counts[1]):
            for k in range(counts[2]):
                a, b, c = i * stride, j * stride, k * stride
                answers[0, :, i, j, k] = network(inputs[:, :, a : a + size, b : b + size, c : c + size])[0]
    return answers


@pytest.mark.parametrize(("width", "count"), PUBLISHED.items())
def test_the_published_network_has_the_published_counts(width: int, count: int) -> None:
    with torch.device("meta"):
        assert count_parameters(PatchPositionNet(width)) == count


@pytest.mark.parametrize(("width", "count"), DENSE.items())
def test_the_dense_network_has_its_counts(width: int, count: int) -> None:
    assert count_parameters(DensePositionNet(width)) == count


def test_spectral_norm_adds_no_trainable_values() -> None:
    assert count_parameters(PatchPositionNet(2, spectral_norm=True)) == PUBLISHED[2]
    assert count_parameters(DensePositionNet(2, spectral_norm=True)) == DENSE[2]


@pytest.mark.parametrize("size", PATCH_SIZES)
def test_the_published_network_takes_every_patch_size_of_the_paper(size: int) -> None:
    positions = PatchPositionNet(1, in_channels=2)(torch.rand(2, 2, size, size, size))
    assert positions.shape == (2, 3)
    assert 0 < positions.min() < positions.max() < 1


@pytest.mark.parametrize("size", PATCH_SIZES)
def test_the_dense_network_sees_its_patch_and_no_more(size: int) -> None:
    network = DensePositionNet(8, size)
    inputs = structured(1, 1, size + 2, size, size).requires_grad_()
    network.dense(inputs, 1)[0, :, 1].sum().backward()
    assert inputs.grad is not None
    seen = inputs.grad[0, 0].flatten(1).abs().sum(1) > 0
    assert seen.tolist() == [False] + [True] * size + [False]


def test_the_dense_network_answers_patches_with_vectors_and_larger_inputs_with_a_map() -> None:
    network = DensePositionNet(1, in_channels=2)
    assert network(torch.rand(4, 2, 31, 31, 31)).shape == (4, 3)
    assert network(torch.rand(4, 2, 47, 31, 35)).shape == (4, 3, 5, 1, 2)


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("size", [19, 31, 39])
def test_dense_is_patch_by_patch_and_shifted_is_not(size: int, stride: int) -> None:
    network = DensePositionNet(4, size, in_channels=2).eval()
    inputs = structured(1, 2, size + 3 * stride, size + 2 * stride + 1, size + 2 * stride)
    with torch.no_grad():
        dense = network.dense(inputs, stride)
        expected = patch_by_patch(network, inputs, size, stride)
    assert dense.shape == expected.shape
    assert (dense - expected).abs().max() / expected.std() <= 1e-5
    assert (dense[:, :, 1:] - expected[:, :, :-1]).abs().max() / expected.std() > 1e-2


def test_no_bit_of_an_answer_depends_on_the_size_of_the_input() -> None:
    network = DensePositionNet(4).eval().to(memory_format=torch.channels_last_3d)
    inputs = structured(1, 1, 60, 60, 60).to(memory_format=torch.channels_last_3d)
    with torch.no_grad():
        whole = network.dense(inputs, 1)
        for count in (1, 2, 5, 9, 16):
            part = network.dense(inputs[:, :, 5 : 35 + count, 5 : 35 + count, 6 : 36 + count], 1)
            assert torch.equal(part, whole[:, :, 5 : 5 + count, 5 : 5 + count, 6 : 6 + count])


@pytest.mark.parametrize("build", [DensePositionNet, PatchPositionNet])
def test_folding_keeps_the_answers_and_gives_a_plain_state_dict(build: type[nn.Module]) -> None:
    network = add_spectral_norm(build(2))
    inputs = structured(2, 1, 31, 31, 31)
    network(inputs).sum().backward()
    plain = fold_spectral_norm(network)
    assert plain.training
    build(2).load_state_dict(plain.state_dict())
    assert torch.allclose(plain.eval()(inputs), network.eval()(inputs), atol=1e-6)
    assert torch.linalg.matrix_norm(next(iter(plain.parameters())).flatten(1).detach(), 2) < 1.2


@pytest.mark.parametrize(
    "settings",
    [{"dilation": 2}, {"groups": 2}, {"padding": 1, "padding_mode": "reflect"}, {"padding": "same"}, {"bias": False}],
    ids=str,
)
def test_folding_keeps_the_answers_of_whatever_convolution_a_network_has(settings: dict[str, Any]) -> None:
    network = add_spectral_norm(nn.Sequential(nn.Conv3d(2, 4, 3, **settings)))
    inputs = structured(1, 2, 7, 7, 7)
    network(inputs)
    assert torch.allclose(fold_spectral_norm(network).eval()(inputs), network.eval()(inputs), atol=1e-6)


def test_folding_leaves_the_network_in_training() -> None:
    network = DensePositionNet(1, spectral_norm=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fold_spectral_norm(network)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_he_initialisation_keeps_the_spread_of_the_signal() -> None:
    torch.manual_seed(0)
    network = DensePositionNet(8)
    he_initialise(network)
    answers = network.dense(torch.randn(1, 1, 47, 47, 47), 1)
    assert 0.05 < answers.std() < 5
    assert not network.stem.bias.any()


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_both_networks_can_be_scripted_as_ckpt_export_does() -> None:
    inputs = structured(1, 1, 35, 33, 31)
    dense = DensePositionNet(2).eval()
    scripted = torch.jit.script(dense)
    assert scripted.patch_size == 31
    assert torch.allclose(scripted.dense(inputs, 1), dense.dense(inputs, 1), atol=1e-6)
    assert scripted(inputs[..., :31, :31, :]).shape == (1, 3)
    published = PatchPositionNet(1).eval()
    assert torch.allclose(torch.jit.script(published)(inputs), published(inputs), atol=1e-6)


def test_published_weights_remember_their_patch_size() -> None:
    state = PatchPositionNet(1, patch_size=23).state_dict()
    PatchPositionNet(1, patch_size=23).load_state_dict(state)
    with pytest.raises(RuntimeError, match=r"the weights learnt from patches of 23 mm, not 31\."):
        PatchPositionNet(1).load_state_dict(state)
    del state["patch_size"]
    PatchPositionNet(1).load_state_dict(state)


def test_what_a_network_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match=r"patch_size must be one of \[19, 23, 27, 31, 35, 39\], got 29"):
        DensePositionNet(1, 29)
    with pytest.raises(ValueError, match="stride must be 1, 2 or 4, got 3"):
        DensePositionNet(1).dense(torch.zeros(1, 1, 31, 31, 31), 3)
    with pytest.raises(ValueError, match="at least 31 voxels a side"):
        DensePositionNet(1)(torch.zeros(1, 1, 31, 30, 31))
