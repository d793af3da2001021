"""The two networks that predict, from a cubic patch of a registered head CT, where in the head the patch lies.

A *patch* (B, C, P, P, P) is cut from the network input (background exactly 0); its *position* is that of its central
voxel, normalised to [0, 1]^3 as in `coordinates`; P is the *patch size*, m the *width*. `PatchPositionNet` is the
published network (Bieder et al., MIDL 2022): its instance norms and its padding see one patch at a time, so it runs
patch by patch. `DensePositionNet` has valid convolutions only, so one pass over a volume gives the same answers as
patch by patch: output k of `dense` is the answer for the patch that begins at voxel k * stride. With stride 4 that is
the network as it stands. For 2 and 1 its pools become dense, from the last to the first, and what follows a dense pool
is dilated by 2 ("a trous"; Giusti et al., ICIP 2013). Receptive field: 4 (stem) + 1 + 2 * 4 + 2 + 4 * (2n + h - 1) = P,
with n 3x3x3 convolutions in the second block and a head kernel h.

*Spectral norm* (Miyato et al., ICLR 2018) divides a convolution's weight by its largest singular value. It is there
while training only; `fold_spectral_norm` gives the plain network with the same answers.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm as with_spectral_norm

PATCH_SIZES = {19: (0, 2), 23: (1, 1), 27: (1, 2), 31: (2, 1), 35: (2, 2), 39: (2, 3)}
"""Patch size -> 3x3x3 convolutions of the second block (n) and kernel of the head (h) of `DensePositionNet`."""

SLOPE = 0.2
"""Negative slope of the leaky ReLUs of the published network."""

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def count_parameters(network: nn.Module) -> int:
    """Number of trainable values."""
    return sum(parameter.numel() for parameter in network.parameters())


def he_initialise(network: nn.Module) -> None:
    """Draw plain convolution and linear weights from N(0, 2 / fan_in) (He et al., ICCV 2015) and set biases to 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def add_spectral_norm(network: NetworkT) -> NetworkT:
    """Put spectral norm on the main convolutions of `network`, in place, for training; returns it.

    The 1x1x1 shortcuts and the head stay plain.
    """
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv3d) and module.kernel_size != (1, 1, 1) and name != "hidden":
            with_spectral_norm(module)
    return network


def fold_spectral_norm(network: NetworkT) -> NetworkT:
    """A copy of `network` with plain weights, hence a plain state dict; its answers are those of `network.eval()`."""
    plain = copy.deepcopy(network).eval()
    for parent in list(plain.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv3d) and parametrize.is_parametrized(child, "weight"):
                setattr(parent, name, _plain_convolution(child))
    return plain.train(network.training)


def _plain_convolution(conv: nn.Conv3d) -> nn.Conv3d:
    # Not remove_parametrizations: it takes the weight away from every copy of the module (they share one class).
    sizes = (conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, conv.dilation)
    settings = {"groups": conv.groups, "padding_mode": conv.padding_mode}
    plain = nn.Conv3d(*sizes, **settings, device=conv.weight.device, dtype=conv.weight.dtype)  # type: ignore[arg-type]
    plain.weight = nn.Parameter(conv.weight.detach().clone())
    plain.bias = conv.bias
    return plain


def _check_input(inputs: Tensor, patch_size: int) -> None:
    # Not min(): an exported program would hold which side was the shortest of the example.
    if (
        inputs.dim() != 5
        or inputs.shape[2] < patch_size
        or inputs.shape[3] < patch_size
        or inputs.shape[4] < patch_size
    ):
        raise ValueError(
            f"the network needs (B, C, D, H, W) with at least {patch_size} voxels a side, got {inputs.shape}"
        )


class _Normalised(nn.Module):
    """Convolution 3x3x3 -> instance norm (no parameters) -> leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, out_channels, 3, stride, padding=1)
        self.norm = nn.InstanceNorm3d(out_channels)
        self.activation = nn.LeakyReLU(SLOPE)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, i, ...) -> (B, o, ...)."""
        normalised: Tensor = self.activation(self.norm(self.conv(inputs)))
        return normalised


class _Stage(nn.Module):
    """`Res(i -> o)` (step 1) or `Down(c)` (step 2) of the paper: `_Normalised` beside a shortcut."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.main = _Normalised(in_channels, out_channels, stride)
        self.shortcut: nn.Module = nn.Identity()
        if stride == 2:
            self.shortcut = nn.AvgPool3d(2, 2, ceil_mode=True)
        elif in_channels != out_channels:
            self.shortcut = nn.Conv3d(in_channels, out_channels, 1, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(B, i, ...) -> (B, o, ...), half the size (rounded up) at step 2."""
        total: Tensor = self.main(inputs) + self.shortcut(inputs)
        return total


class PatchPositionNet(nn.Module):
    """The published network: patches (B, C, P, P, P) -> predicted positions (B, 3), P = 19 and above.

    Trainable values with one input channel: 7311 m^2 + 138 m + 3 (m = 1: one less), as in the paper's figure. Open in
    the paper, chosen here: no spectral norm on the 1x1x1 shortcuts. The size of the patches that it learns from is part
    of its weights, `patch_size`; weights that learnt from others are not loaded.
    """

    def __init__(self, width: int, in_channels: int = 1, spectral_norm: bool = False, patch_size: int = 31) -> None:
        super().__init__()
        self.patch_size = nn.Buffer(torch.tensor(patch_size))
        self.register_load_state_dict_pre_hook(_see_patch_size)  # type: ignore[no-untyped-call]
        stages: list[nn.Module] = []
        before = in_channels
        for channels in (width, 2 * width, 4 * width, 8 * width):
            stages.append(_Stage(before, channels, 1))
            stages.append(_Stage(channels, channels, 2))
            before = channels
        self.stages = nn.Sequential(*stages, _Stage(before, 16 * width, 1))
        self.hidden = nn.Linear(16 * width, 16 * width)
        self.activation = nn.LeakyReLU(SLOPE)
        self.out = nn.Linear(16 * width, 3)
        if spectral_norm:
            add_spectral_norm(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Predicted positions (B, 3), each in (0, 1), of patches (B, C, P, P, P)."""
        features = self.stages(inputs).mean(dim=[2, 3, 4])
        return torch.sigmoid(self.out(self.activation(self.hidden(features))))


def _see_patch_size(network: PatchPositionNet, state: dict[str, Tensor], prefix: str, *rest: Any) -> None:
    """Add an error for weights that learnt from patches of another size; those of before do not say theirs."""
    errors: list[str] = rest[-1]
    own, found = int(network.patch_size), int(state.setdefault(f"{prefix}patch_size", network.patch_size))
    if found != own:
        errors.append(f"the weights learnt from patches of {found} mm, not {own}.")


def _pool(inputs: Tensor, stride: int, dilation: int) -> Tensor:
    """Average of 2x2x2 values that lie `dilation` apart, at every `stride`-th place.

    Sums of slices, not `avg_pool3d`: that one has no dilation and turns channels-last tensors into contiguous ones.
    """
    d, h, w = inputs.shape[2] - dilation, inputs.shape[3] - dilation, inputs.shape[4] - dilation
    total = inputs[:, :, 0:d:stride] + inputs[:, :, dilation::stride]
    total = total[:, :, :, 0:h:stride] + total[:, :, :, dilation::stride]
    return (total[..., 0:w:stride] + total[..., dilation::stride]).mul_(0.125)


def _convolve(inputs: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """Valid convolution; on a CPU always by oneDNN: fast, and no bit of an answer depends on the size of the input.

    PyTorch (aten Convolution.cpp, `use_mkldnn`) has a slow path of its own for a single input with few rows and for
    1x1x1 kernels. A second copy of such an input, and a dilation, which is nothing to a single tap, avoid it. What is
    exported to run elsewhere has neither.
    """
    if inputs.is_cuda or torch.compiler.is_compiling():
        return functional.conv3d(inputs, weight, bias, dilation=dilation)
    if weight.shape[2] == 1:
        dilation = 2
    if inputs.shape[0] == 1 and inputs.shape[1] * inputs.shape[2] * inputs.shape[3] <= 20480:
        return functional.conv3d(inputs.expand(2, -1, -1, -1, -1), weight, bias, dilation=dilation)[:1]
    return functional.conv3d(inputs, weight, bias, dilation=dilation)


class _Residual(nn.Module):
    """`depth` valid 3x3x3 convolutions with ReLU between them, plus a cropped 1x1x1 shortcut, then ReLU."""

    def __init__(self, in_channels: int, out_channels: int, depth: int) -> None:
        super().__init__()
        channels = [in_channels] + [out_channels] * depth
        self.convs = nn.ModuleList([nn.Conv3d(before, after, 3) for before, after in itertools.pairwise(channels)])
        self.shortcut = nn.Conv3d(in_channels, out_channels, 1)
        self.depth = depth

    def forward(self, inputs: Tensor, dilation: int) -> Tensor:
        """(B, i, ...) -> (B, o, ...), 2 * depth * dilation smaller a side."""
        crop = self.depth * dilation
        d, h, w = inputs.shape[2] - crop, inputs.shape[3] - crop, inputs.shape[4] - crop
        cropped = inputs[:, :, crop:d, crop:h, crop:w]
        total = _convolve(cropped, self.shortcut.weight, self.shortcut.bias, 1)
        main = inputs
        for index, conv in enumerate(self.convs):
            if index > 0:
                main = torch.relu_(main)
            main = _convolve(main, conv.weight, conv.bias, dilation)  # type: ignore[arg-type]
        if self.depth > 0:
            total = total.add_(main)
        return torch.relu_(total)


class DensePositionNet(nn.Module):
    """Valid convolutions only; the answers of patch by patch, over a whole volume, in one pass.

    Trainable values with one input channel and patch size 31: 852 m^2 + 115 m + 3. It begins with He's initialisation
    and the head's centre, 0.5, as the answer's bias. Spectral norm is on the stem and on the 3x3x3 convolutions.

    Raises:
        ValueError: `patch_size` is not in `PATCH_SIZES`.
    """

    def __init__(self, width: int, patch_size: int = 31, in_channels: int = 1, spectral_norm: bool = False) -> None:
        super().__init__()
        if patch_size not in PATCH_SIZES:
            raise ValueError(f"patch_size must be one of {sorted(PATCH_SIZES)}, got {patch_size}")
        depth, kernel = PATCH_SIZES[patch_size]
        self.patch_size = patch_size
        self.head_kernel = kernel
        self.stem = nn.Conv3d(in_channels, width, 4)
        self.block1 = _Residual(width, 2 * width, 2)
        self.block2 = _Residual(2 * width, 4 * width, depth)
        self.hidden = nn.Conv3d(4 * width, 8 * width, kernel)
        self.out = nn.Conv3d(8 * width, 3, 1)
        he_initialise(self)
        nn.init.constant_(self.out.bias, 0.5)  # type: ignore[arg-type]
        if spectral_norm:
            add_spectral_norm(self)

    def forward(self, inputs: Tensor) -> Tensor:
        """Predicted positions (B, 3) of patches (B, C, P, P, P); of larger inputs the map (B, 3, d, h, w), stride 4."""
        predicted = self.dense(inputs, 4)
        if inputs.shape[2] == inputs.shape[3] == inputs.shape[4] == self.patch_size:
            return predicted.flatten(1)
        return predicted

    @torch.jit.export
    def dense(self, inputs: Tensor, stride: int) -> Tensor:
        """Predicted positions (B, 3, d, h, w) of every `stride`-th patch in (B, C, D, H, W): d = (D - P) // stride + 1.

        Raises:
            ValueError: the input is smaller than a patch, or `stride` is not 1, 2 or 4.
        """
        _check_input(inputs, self.patch_size)
        if stride != 1 and stride != 2 and stride != 4:
            raise ValueError(f"stride must be 1, 2 or 4, got {stride}")
        first = 2 if stride == 1 else 1
        second = 4 // stride
        features = _pool(torch.relu_(self.stem(inputs)), 3 - first, 1)
        features = self.block1(features, first)
        features = _pool(features, 1 if stride < 4 else 2, first)
        features = self.block2(features, second)
        features = torch.relu_(_convolve(features, self.hidden.weight, self.hidden.bias, second))
        return _convolve(features, self.out.weight, self.out.bias, 1)
