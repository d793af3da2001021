"""The network in forms that other programs run: a program of `torch.export`, and ONNX. (TorchScript: `ckpt_export`.)

Formats of one function with one form of answer get `StridedPositionNet`: the dense network with the same weights, whose
`forward` is `dense` at the stride that it was made with: image (B, C, D, H, W) in, positions (B, 3, d, h, w) out, with
d = (D - P) // stride + 1 for patch size P. *Batch and sides are dynamic*: any batch of up to `LARGEST_BATCH`, each side
from P + stride, so that there are at least two places along it, to `LARGEST_SIDE`; ONNX does not check these limits
and answers a single patch too. The density network gets `TwoAnswers`, whose second output are its logits. What a file
says of itself are its *facts*, texts by name. A file holds no path of the machine that wrote it.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from .density import STEP, DensityPositionNet
from .position import DensePositionNet
from .strides import STRIDES


class StridedPositionNet(DensePositionNet):
    """`DensePositionNet` whose forward is `dense` at one stride; dense inferers take it too.

    Raises:
        ValueError: `stride` is not 1, 2 or 4, or `patch_size` is none that the network comes in.
    """

    outputs = ("pred",)

    def __init__(self, width: int, patch_size: int = 31, in_channels: int = 1, stride: int = 2) -> None:
        super().__init__(width, patch_size, in_channels)
        if stride not in STRIDES:
            raise ValueError(f"stride must be one of {STRIDES}, got {stride}")
        self.stride, self.in_channels = stride, in_channels

    def forward(self, inputs: Tensor) -> Tensor:
        """Predicted positions (B, 3, d, h, w) of every `stride`-th patch in (B, C, D, H, W), also of a single one."""
        return super().dense(inputs, self.stride)

    def dense(self, inputs: Tensor, stride: int) -> Tensor:
        """The same by `forward`, which may have been replaced by a faster one.

        Raises:
            ValueError: `stride` is another than the network was made with.
        """
        if stride != self.stride:
            raise ValueError(f"this network was made for stride {self.stride}, got {stride}")
        predicted: Tensor = self(inputs)
        return predicted


class TwoAnswers(DensityPositionNet):
    """`DensityPositionNet` whose forward gives positions and logits."""

    outputs = ("pred", "logits")
    stride = STEP

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Predicted positions (B, 4, 3, d, h, w) and logits (B, 4, N, d, h, w) of blocks (B, C, D, H, W)."""
        logits = super().forward(inputs)
        return self.positions(logits), logits


Exportable = StridedPositionNet | TwoAnswers

LARGEST_BATCH, LARGEST_SIDE = 64, 512
"""Most inputs at once, and most voxels along a side: twice the reference grid's."""

EXAMPLE_PLACES = (4, 5, 6)
"""Places along the sides of the example that the network is followed on; no two alike, or they count as one."""

AXES = ("batch", "depth", "height", "width")
"""Names of the dynamic axes; the second axis are the channels."""

OPSET = 20
"""Version of ONNX's operators; runtimes since 2024 know it."""


def exported_program(network: Exportable, facts: Mapping[str, str]) -> bytes:
    """The file of a `torch.export` program, for `torch.export.load(path).module()`; facts in its extra file "facts".

    The network is not changed.
    """
    program = _program(network)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    program.example_inputs = None
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={"facts": "\n".join(f"{k}: {v}" for k, v in facts.items())})
    return content.getvalue()


def onnx_model(network: Exportable, facts: Mapping[str, str]) -> bytes:
    """The file of an ONNX model with input "image", output "pred" and maybe others, and the facts among its metadata.

    The network is not changed.

    Raises:
        ModuleNotFoundError: onnx or onnxscript is not installed.
    """
    import onnx

    with _quiet():
        made = torch.onnx.export(
            _program(network),
            input_names=["image"],
            output_names=list(network.outputs),
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    assert made is not None
    model = made.model_proto
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer, model.graph):
        del part.metadata_props[:]
    _name_axes(model.graph)
    onnx.helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _program(network: Exportable) -> ExportedProgram:
    """The network as a program with dynamic batch and sides."""
    patch_size, stride = network.patch_size, network.stride
    sides = [patch_size + (places - 1) * stride for places in EXAMPLE_PLACES]
    example = torch.zeros(2, network.in_channels, *sides, device=next(network.parameters()).device)
    batch = Dim(AXES[0], min=1, max=LARGEST_BATCH)
    along = [Dim(name, min=patch_size + stride, max=LARGEST_SIDE) for name in AXES[1:]]
    dynamic = {0: batch, **dict(enumerate(along, start=2))}
    training = network.training
    with torch.no_grad():
        program = torch.export.export(network.eval(), (example,), dynamic_shapes=(dynamic,))
    network.train(training)
    return program


def _name_axes(graph: Any) -> None:
    """Give descriptive names to the dynamic axes of input and outputs."""
    places = (AXES[0], *(f"{name}_places" for name in AXES[1:]))
    for value, names in ((graph.input[0], AXES), *((output, places) for output in graph.output)):
        dims = value.type.tensor_type.shape.dim
        for dim, name in zip([dims[0], *dims[-3:]], names, strict=True):
            dim.dim_param = name


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppresses the exporter's remarks on optional packages."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
