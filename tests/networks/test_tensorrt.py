"""The overlay for TensorRT, as far as it goes without a GPU: what MONAI is asked for, and what is said without one.

The engine itself is stood in for by the network, so nothing here says that TensorRT compiles it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigWorkflow
from monai.networks import trt_compiler

from scripts.errors import chain
from scripts.networks import tensorrt as tensorrt_network
from scripts.networks.export import StridedPositionNet
from scripts.networks.inferers import DensePositionInferer
from scripts.networks.tensorrt import TensorRTMissing, compiled, profile

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
CONFIGS = [str(BUNDLE / "configs" / name) for name in ("inference.json", "inference_trt.json")]


class StandIn:
    """In the place of MONAI's TrtCompiler: remembers what it was asked for, and marks what it answers."""

    made: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012

    def __init__(self, model: torch.nn.Module, plan_path: str, logger: Any = None, **arguments: Any) -> None:
        self.old_forward = model.forward
        self.made.append((plan_path, arguments))

    def forward(self, model: torch.nn.Module, argv: tuple[torch.Tensor, ...], kwargs: dict[str, Any]) -> torch.Tensor:
        answer: torch.Tensor = self.old_forward(*argv, **kwargs)
        return answer + 1


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """A machine that looks as if it had a GPU and TensorRT."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(tensorrt_network, "find_spec", lambda name: object())
    for name, value in {"trt_imported": True, "polygraphy_imported": True, "TrtCompiler": StandIn}.items():
        monkeypatch.setattr(trt_compiler, name, value)
    StandIn.made.clear()
    return StandIn.made


def test_the_inferer_runs_what_was_compiled(gpu: list[tuple[str, dict[str, Any]]], tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain, network = (StridedPositionNet(1, 19, 2, 4).eval() for _ in range(2))
    (tmp_path / "model.pt").touch()
    assert compiled(network, tmp_path / "model.pt", "fp16") is network
    network.load_state_dict(plain.state_dict(), strict=True)
    head = torch.zeros(1, 2, 28, 28, 28)
    head[..., 9:20, 9:20, 9:20] = torch.rand(11, 11, 11)
    found, expected = (DensePositionInferer(4, margin=0)(head, each).as_tensor() for each in (network, plain))
    torch.testing.assert_close(found, expected + 1, equal_nan=True)
    ((plan, arguments),) = gpu
    assert plan == f"{tmp_path}/model.pt.stride4_fp16.plan"
    assert arguments["precision"] == "fp16"
    assert arguments["fallback"] is False
    assert arguments["timestamp"] == int((tmp_path / "model.pt").stat().st_mtime)


@pytest.mark.parametrize(("stride", "side"), [(1, 102), (2, 101), (4, 163)])
def test_the_engine_takes_everything_between_a_patch_and_a_tile(stride: int, side: int) -> None:
    smallest, usual, largest = profile(StridedPositionNet(1, 39, 2, stride))["inputs"]
    assert smallest == [1, 2, 39, 39, 39]
    assert usual == largest == [1, 2, side, side, side]


def test_the_overlay_is_a_whole_workflow(gpu: list[tuple[str, dict[str, Any]]]) -> None:
    words = {"bundle_root": str(BUNDLE), "device": "cpu", "dataset_dir": str(BUNDLE / "models/reference.nii.gz")}
    flow = ConfigWorkflow(CONFIGS, logging_file=False, workflow_type="infer", **words)
    flow.initialize()
    assert flow.check_properties() == []
    network = flow.parser.get_parsed_content("network")
    assert type(network) is StridedPositionNet
    assert network.stride == 2
    assert Path(gpu[0][0]) == BUNDLE / "models" / "model.pt.stride2_fp32.plan"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_run_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = {"bundle_root": str(BUNDLE), "dataset_dir": str(BUNDLE / "models/reference.nii.gz"), "output_dir": "out"}
    with pytest.raises(RuntimeError, match=r"\S") as raised:
        ConfigWorkflow(CONFIGS, logging_file=False, workflow_type="infer", **words).run()
    cause = next(one for one in chain(raised.value) if isinstance(one, TensorRTMissing))
    assert "inference_trt.json needs an NVIDIA GPU and TensorRT (" in str(cause)
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, gpu: list[Any]) -> None:
    network = StridedPositionNet(1, 19)
    with pytest.raises(ValueError, match=r"trt_precision must be one of .*, got 'int8'"):
        compiled(network, "model.pt", "int8")
    monkeypatch.setattr(tensorrt_network, "find_spec", lambda name: None if name == "polygraphy" else object())
    with pytest.raises(TensorRTMissing, match=r"\(not installed: polygraphy\). Leave it out"):
        compiled(network, "model.pt")
    monkeypatch.undo()
    monkeypatch.setattr(tensorrt_network, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TensorRTMissing, match="PyTorch sees no NVIDIA GPU"):
        compiled(network, "model.pt")
