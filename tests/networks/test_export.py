"""The network as a program of `torch.export` and as ONNX answers as it does itself, whatever the size of the input."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.export import ExportedProgram

from scripts.assets import asset
from scripts.networks import export
from scripts.networks.export import StridedPositionNet, TwoAnswers, exported_program, onnx_model
from scripts.networks.inferers import DensePositionInferer
from scripts.networks.position import DensePositionNet

STRIDE = 2
FACTS = {"bundle": "a name", "stride": "2"}
SIZES = ((1, 41, 41, 41), (1, 42, 41, 47), (2, 48, 43, 44))
"""Batch and sides: the smallest, odd and even, none in the order of the example's."""

TOLERANCE = 1e-5
"""Most that a position may differ by, of the head's side: 0.003 mm."""


@pytest.fixture(scope="module", autouse=True)
def followed_once() -> Iterator[None]:
    """Each network is followed once, for both formats: each gets a copy of the program."""
    follow, programs = export._program, dict[int, tuple[object, ExportedProgram]]()

    def program(network: StridedPositionNet | TwoAnswers) -> ExportedProgram:
        if id(network) not in programs:
            programs[id(network)] = network, follow(network)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return copy.deepcopy(programs[id(network)][1])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(export, "_program", program)
        yield


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


@pytest.fixture(scope="module")
def densities() -> TwoAnswers:
    """The density network with the shipped weights."""
    made = TwoAnswers(488, [[5, 65], [-100, 200], [0, 1500]], 33)
    made.load_state_dict(torch.load(asset("models/evidence.pt"), weights_only=True), strict=True)
    return made.eval()


DENSITY_SIZES = ((1, 19, 19, 19), (2, 20, 25, 23))

LOGIT_TOLERANCE = 1e-4
"""Most that a logit may differ by: a hundredth of a percent of a density."""


def apart(network: TwoAnswers, other: Callable[[Tensor], list[Tensor]]) -> tuple[float, float]:
    """Largest difference of positions and of logits over some sizes; the answers have the same shapes."""
    found = [0.0, 0.0]
    for batch, *sides in DENSITY_SIZES:
        inputs = torch.rand(batch, 3, *sides)
        with torch.no_grad():
            for which, (expected, answer) in enumerate(zip(network(inputs), other(inputs), strict=True)):
                assert answer.shape == expected.shape
                found[which] = max(found[which], (answer - expected).abs().max().item())
    return found[0], found[1]


def test_the_density_network_is_exported_with_both_answers(densities: TwoAnswers) -> None:
    loaded = torch.export.load(io.BytesIO(exported_program(densities, FACTS)))
    positions, logits = apart(densities, loaded.module())
    assert positions < TOLERANCE
    assert logits < LOGIT_TOLERANCE


def test_the_density_network_as_onnx_answers_alike(densities: TwoAnswers) -> None:
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(onnx_model(densities, FACTS), providers=["CPUExecutionProvider"])

    def answers(inputs: Tensor) -> list[Tensor]:
        return [torch.from_numpy(found) for found in session.run(["pred", "logits"], {"image": inputs.numpy()})]

    positions, logits = apart(densities, answers)
    assert positions < TOLERANCE
    assert logits < LOGIT_TOLERANCE
    places = ["depth_places", "height_places", "width_places"]
    assert session.get_outputs()[1].shape == ["batch", 4, 488, *places]
