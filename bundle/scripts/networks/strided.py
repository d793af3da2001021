"""The dense network at one stride, as a function of one tensor: what ONNX, `torch.export` and TensorRT can hold.

`DensePositionNet.forward` tells a single patch from a larger input and answers each in another form, and
`DensePositionNet.dense` takes the stride beside the input. Formats of one function with one form of answer get
`StridedPositionNet` instead: the same values under the same names, so the same weights, and `forward` is `dense` at
the stride that it was made with.
"""

from __future__ import annotations

from torch import Tensor

from .position import STRIDES, DensePositionNet


class StridedPositionNet(DensePositionNet):
    """`DensePositionNet` whose forward is `dense` at one stride; dense inferers take it too.

    Raises:
        ValueError: `stride` is not 1, 2 or 4, or `patch_size` is none that the network comes in.
    """

    def __init__(self, width: int, patch_size: int = 31, in_channels: int = 1, stride: int = 2) -> None:
        super().__init__(width, patch_size, in_channels)
        if stride not in STRIDES:
            raise ValueError(f"stride must be one of {STRIDES}, got {stride}")
        self.stride = stride

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
