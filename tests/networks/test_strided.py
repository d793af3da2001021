"""The dense network at one stride: the same weights, the same answers, one form of answer."""

from __future__ import annotations

import pytest
import torch

from scripts.networks.inferers import DensePositionInferer
from scripts.networks.position import DensePositionNet
from scripts.networks.strided import StridedPositionNet


@pytest.fixture(scope="module")
def dense() -> DensePositionNet:
    torch.manual_seed(0)
    return DensePositionNet(2, 31, 2).eval()


def strided(dense: DensePositionNet, stride: int) -> StridedPositionNet:
    network = StridedPositionNet(2, 31, 2, stride).eval()
    network.load_state_dict(dense.state_dict(), strict=True)
    return network


@pytest.mark.parametrize("stride", [1, 2, 4])
@torch.no_grad()
def test_forward_is_dense_at_the_stride(dense: DensePositionNet, stride: int) -> None:
    inputs = torch.rand(1, 2, 36, 37, 39)
    network = strided(dense, stride)
    assert torch.equal(network(inputs), dense.dense(inputs, stride))
    assert torch.equal(network.dense(inputs, stride), dense.dense(inputs, stride))
    patch = network(inputs[..., :31, :31, :31])
    assert patch.shape == (1, 3, 1, 1, 1), "a single patch has the form of any other input"
    torch.testing.assert_close(patch.flatten(1), dense(inputs[..., :31, :31, :31]), atol=1e-6, rtol=0)


@torch.no_grad()
def test_the_inferer_gives_the_same_with_it(dense: DensePositionNet) -> None:
    head = torch.zeros(1, 2, 40, 40, 40)
    head[..., 14:27, 15:22, 12:30] = torch.rand(13, 7, 18)
    for margin in (None, 4):
        inferer = DensePositionInferer(4, margin=margin)
        found, expected = inferer(head, strided(dense, 4)), inferer(head, dense)
        torch.testing.assert_close(found.as_tensor(), expected.as_tensor(), atol=1e-6, rtol=0, equal_nan=True)


def test_what_forward_was_replaced_by_is_used(dense: DensePositionNet, monkeypatch: pytest.MonkeyPatch) -> None:
    network = strided(dense, 2)
    monkeypatch.setattr(network, "forward", lambda inputs: inputs + 1)
    assert network.dense(torch.zeros(1), 2) == 1


def test_other_strides_are_refused(dense: DensePositionNet) -> None:
    with pytest.raises(ValueError, match=r"stride must be one of \(1, 2, 4\), got 3"):
        StridedPositionNet(2, stride=3)
    with pytest.raises(ValueError, match="made for stride 2, got 4"):
        strided(dense, 2).dense(torch.zeros(1, 2, 31, 31, 31), 4)
