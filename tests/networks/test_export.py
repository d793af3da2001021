"""The network as a program of `torch.export` and as ONNX answers as it does itself, whatever the size of the input."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from scripts.assets import asset
from scripts.networks.export import exported_program, onnx_model
from scripts.networks.strided import StridedPositionNet

STRIDE = 2
FACTS = {"bundle": "a name", "stride": "2"}
SIZES = ((1, 41, 41, 41), (1, 42, 41, 47), (3, 50, 43, 46), (1, 56, 52, 41))
"""Batch and sides: the smallest, odd and even, none in the order of the example's."""

TOLERANCE = 1e-5
"""Most that a position may differ by, of the head's side: 0.003 mm."""


@pytest.fixture(scope="module")
def network() -> StridedPositionNet:
    """The shipped weights at stride 2."""
    made = StridedPositionNet(16, 39, 2, STRIDE)
    made.load_state_dict(torch.load(asset("models/model.pt"), weights_only=True), strict=True)
    return made


def differences(network: StridedPositionNet, other: Callable[[Tensor], Tensor]) -> list[float]:
    """Largest difference for each size; the answers have the same shapes."""
    torch.manual_seed(0)
    found = []
    for batch, *sides in SIZES:
        inputs = torch.rand(batch, 2, *sides)
        with torch.no_grad():
            expected, answer = network.eval()(inputs), other(inputs)
        assert answer.shape == expected.shape == (batch, 3, *((side - 39) // STRIDE + 1 for side in sides))
        found.append((answer - expected).abs().max().item())
    return found


@pytest.fixture(scope="module")
def program(network: StridedPositionNet) -> bytes:
    before = {name: values.clone() for name, values in network.train().state_dict().items()}
    content = exported_program(network, FACTS)
    assert network.training, "the network is left as it was"
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    return content


def test_the_program_of_torch_export_answers_as_the_network(network: StridedPositionNet, program: bytes) -> None:
    facts = {"facts": ""}
    loaded = torch.export.load(io.BytesIO(program), extra_files=facts)
    assert max(differences(network, loaded.module())) < TOLERANCE
    assert facts["facts"] == "bundle: a name\nstride: 2"
    assert b"networks.py" not in program
    assert len(program) < 4_000_000, "weights once, no example"
    with pytest.raises((AssertionError, RuntimeError), match="41"):
        loaded.module()(torch.rand(1, 2, 30, 50, 50))


def test_the_onnx_model_answers_as_the_network(network: StridedPositionNet, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    content = onnx_model(network, FACTS)
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def answer(inputs: Tensor) -> Tensor:
        return torch.from_numpy(session.run(["pred"], {"image": inputs.numpy()})[0])

    assert max(differences(network, answer)) < TOLERANCE
    assert session.get_inputs()[0].shape == ["batch", 2, "depth", "height", "width"]
    assert session.get_outputs()[0].shape == ["batch", 3, "depth_places", "height_places", "width_places"]
    assert session.get_modelmeta().custom_metadata_map == FACTS
    assert b"networks.py" not in content
    patch = torch.rand(1, 2, 39, 39, 39)
    torch.testing.assert_close(answer(patch), network(patch).detach(), atol=TOLERANCE, rtol=0)


def test_negative_control_other_weights_are_seen(network: StridedPositionNet) -> None:
    assert max(differences(network, StridedPositionNet(16, 39, 2, STRIDE).eval())) > 100 * TOLERANCE
