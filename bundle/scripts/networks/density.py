"""The density network: how probable each place of the head is, given what a small cube of a registered CT shows.

Its inputs are blocks of 2 mm (see `preprocessing.blocks`) in three windows, from 0 to 1, 0 in the background. The
*nodes* are a lattice of positions over the head; the network answers with *logits*, whose softmax over the nodes is the
*density*, and its mean over the nodes is the *predicted position*. It answers at four *receptive fields* at once, cubes
of 5, 9, 13 and 17 blocks (10, 18, 26 and 34 mm) around the same centre: the smallest does not see what surrounds a
lesion and gives its place away, the largest knows places best.

    layer                                 field, blocks    channels
    convolution 5x5x5, step 2, ReLU       5                24
    convolution 3x3x3, ReLU               9                32
    convolution 3x3x3 + identity, ReLU    13               32
    convolution 3x3x3 + 1x1x1, ReLU       17               48
    after each: linear 64, ReLU, linear to the logits

All convolutions are valid and there is no normalisation, so one pass over a volume gives the same answers as cube by
cube. Output k is the answer for the cubes that are centred on that of 17 blocks which begins at block 2k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .position import he_initialise

FIELDS = (5, 9, 13, 17)
"""Sides of the receptive fields, in blocks."""

FIELDS_MM = (10, 18, 26, 34)
"""The same in mm."""

CHANNELS = (24, 32, 32, 48)
"""Features at each receptive field."""

HIDDEN = 64
"""Values between features and logits."""

STEP = 2
"""Blocks between outputs."""

LEAST_WEIGHT = 1e-6
"""Positions whose nodes weigh less in all have none."""


class DensityPositionNet(nn.Module):
    """Valid convolutions and four heads; the answers of cube by cube, over a whole volume, in one pass.

    With three windows and 488 nodes it has 236,416 trainable values. Parts of its weights are `nodes`, the positions
    (N, 3), normalised to [0, 1], which are 0 until weights are loaded or `training.lattice` lays them out, and the
    inputs that it learns from, `windows_hu` (C, 2) and `median_hu`. Weights that learnt from others are not loaded.
    """

    def __init__(self, nodes: int, windows_hu: Sequence[Sequence[float]], median_hu: float) -> None:
        """For so many nodes.

        Args:
            nodes: how many.
            windows_hu: lower and upper HU of the window of each channel.
            median_hu: HU to which the median of each brain is shifted.
        """
        super().__init__()
        in_channels = len(windows_hu)
        first, second, third, fourth = CHANNELS
        self.patch_size = FIELDS[-1]
        self.in_channels = in_channels
        self.conv1 = nn.Conv3d(in_channels, first, 5, STEP)
        self.conv2 = nn.Conv3d(first, second, 3)
        self.conv3 = nn.Conv3d(second, third, 3)
        self.conv4 = nn.Conv3d(third, fourth, 3)
        self.shortcut = nn.Conv3d(third, fourth, 1)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(channels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, nodes)) for channels in CHANNELS
        )
        self.nodes = nn.Buffer(torch.zeros(nodes, 3))
        self.windows_hu = nn.Buffer(torch.tensor(windows_hu, dtype=torch.float32))
        self.median_hu = nn.Buffer(torch.tensor(median_hu, dtype=torch.float32))
        self.register_load_state_dict_pre_hook(_see_inputs)  # type: ignore[no-untyped-call]
        he_initialise(self)

    def forward(self, inputs: Tensor, places: Tensor | None = None) -> Tensor:
        """Logits (B, 4, N, d, h, w) of inputs (B, C, D, H, W), with d = (D - 17) // 2 + 1.

        With `places`, indices (n,) of outputs counted through (B, d, h, w), only theirs: (n, 4, N).

        Raises:
            ValueError: the input is smaller than the largest receptive field.
        """
        if inputs.dim() != 5 or inputs.shape[2] < 17 or inputs.shape[3] < 17 or inputs.shape[4] < 17:
            raise ValueError(f"the network needs (B, C, D, H, W) with at least 17 blocks a side, got {inputs.shape}")
        features = self.features(inputs)
        logits: list[Tensor] = []
        for field, head in enumerate(self.heads):
            found = _cropped(features[field], 3 - field).permute(0, 2, 3, 4, 1)
            if places is not None:
                found = found.flatten(0, 3)[places]
            logits.append(head(found))
        together = torch.stack(logits, dim=-2)
        return together if places is not None else together.permute(0, 4, 5, 1, 2, 3)

    def features(self, inputs: Tensor) -> list[Tensor]:
        """Features (B, c, ...) at each receptive field; each map is two places smaller than the one before."""
        first = torch.relu(self.conv1(2 * inputs - 1))
        second = torch.relu(self.conv2(first))
        third = torch.relu(_cropped(second, 1) + self.conv3(second))
        fourth = torch.relu(self.shortcut(_cropped(third, 1)) + self.conv4(third))
        return [first, second, third, fourth]

    @torch.jit.export
    def positions(self, logits: Tensor) -> Tensor:
        """Predicted positions (B, 4, 3, ...), normalised, of logits (B, 4, N, ...): the mean of the density."""
        density = torch.softmax(logits.float(), dim=2)
        return torch.einsum("brn...,nx->brx...", density, self.nodes)


def _see_inputs(network: DensityPositionNet, state: dict[str, Tensor], prefix: str, *rest: Any) -> None:
    """Add an error for weights that learnt from other inputs than the network's; those of before do not say theirs."""
    errors: list[str] = rest[-1]
    for name in ("windows_hu", "median_hu"):
        own = getattr(network, name)
        found = state.setdefault(prefix + name, own)
        if found.shape == own.shape and not torch.equal(found.to(own), own):
            errors.append(f"the weights learnt from {name} {found.tolist()}, not {own.tolist()}.")


def _cropped(values: Tensor, margin: int) -> Tensor:
    """Values (B, C, ...) without `margin` places on each side."""
    d, h, w = values.shape[2] - margin, values.shape[3] - margin, values.shape[4] - margin
    return values[:, :, margin:d, margin:h, margin:w]


def node_weights(positions: Tensor, nodes: Tensor, step: float) -> Tensor:
    """Trilinear weights (n, N) of the nodes (N, 3) around positions (n, 3), both normalised, on a lattice of this step.

    They sum to 1, also where some of the eight nodes around a position are none of the lattice's; they are all 0 where
    none of the eight is.
    """
    x, y, z = (axis_weights(positions[:, axis], nodes[:, axis], step) for axis in range(3))
    weights = x * y * z
    return weights / weights.sum(dim=1, keepdim=True).clamp_min(LEAST_WEIGHT)


def axis_weights(positions: Tensor, nodes: Tensor, step: float) -> Tensor:
    """Linear weights (n, N) along one axis: 1 at a node, 0 from one step away on."""
    return (1 - (positions[:, None] - nodes).abs() / step).clamp_min(0)
