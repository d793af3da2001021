"""What the density network says about a place that it is given: residual, surprise and entropy, by receptive field.

At a place with position x, nodes c and density p (see `density`), the *residual* is the predicted minus the true
position in mm, (sum p c - x) * 255; the *surprise* is -log p(x), with p(x) interpolated linearly between the nodes; and
the *entropy* is -sum p log p. A lesion that looks like no place of the head raises the entropy, one that looks like
another place raises the surprise, and moves the residual where the other place is far.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..geometry.coordinates import POSITION_SCALE_MM, REFERENCE_SIZE
from .density import FIELDS, LEAST_WEIGHT, STEP, axis_weights
from .patches import cut, tile_boxes

KINDS = ("residual_x", "residual_y", "residual_z", "surprise", "entropy")
"""Numbers for each receptive field."""

LATTICE_MM = 22.0
"""Distance of neighbouring nodes."""

LEAST_DENSITY = 1e-6
"""The surprise of a place with a lower density is no larger: 13.8."""

TILE = 16
"""Places along a side that are done at once: their logits take 32 MB."""


def evidence(logits: Tensor, positions: Tensor, weights: Tensor, nodes: Tensor) -> Tensor:
    """Evidence (n, 4, 5), float32, of logits (n, 4, N); the last axis is `KINDS`.

    Args:
        logits: of the nodes (N, 3), whose positions are normalised.
        positions: (n, 3), true ones, normalised.
        weights: (n, N), of the nodes around them, see `density.node_weights`; all 0 where none is near, and there the
            surprise is the largest.
    """
    logarithm = torch.log_softmax(logits.float(), dim=-1)
    density = logarithm.exp()
    residual = (density @ nodes - positions[:, None]) * POSITION_SCALE_MM
    surprise = -torch.bmm(density, weights[:, :, None])[..., 0].clamp_min(LEAST_DENSITY).log()
    entropy = -(density * logarithm).sum(dim=-1)
    return torch.cat([residual, torch.stack([surprise, entropy], dim=-1)], dim=-1)


@torch.no_grad()
def evidence_map(network: Any, volume: Tensor, wanted: Tensor, first_place: float, tile: int = TILE) -> Tensor:
    """Evidence (4, 5, n, n, n) at every second block of a network input (C, D, H, W); NaN where it is not `wanted`.

    Args:
        network: a `DensityPositionNet` in evaluation.
        volume: blocks, 0 in the background, on the network's device.
        wanted: mask (n, n, n) of the places, n = (D + 1) // 2.
        first_place: voxel of the reference grid at which place 0 lies; the next ones lie 4 voxels apart.
        tile: places along a side that are done at once.
    """
    radius, nodes = FIELDS[-1] // 2, network.nodes
    found = torch.full((len(FIELDS), len(KINDS), *wanted.shape), torch.nan)
    line = (first_place + 2 * STEP * torch.arange(max(wanted.shape), device=nodes.device)) / (REFERENCE_SIZE - 1)
    hats = [axis_weights(line, nodes[:, axis], LATTICE_MM / POSITION_SCALE_MM) for axis in range(3)]
    for box in tile_boxes(wanted, tile):
        start = [part.start * STEP - radius for part in box]
        size = [(part.stop - part.start - 1) * STEP + FIELDS[-1] for part in box]
        asked = wanted[box].nonzero()
        index = (asked[:, 0] * wanted[box].shape[1] + asked[:, 1]) * wanted[box].shape[2] + asked[:, 2]
        i, j, k = (asked + torch.tensor([part.start for part in box])).unbind(1)
        logits = network(cut(volume, start, size)[None], index.to(volume.device))
        weights = hats[0][i] * hats[1][j] * hats[2][k]
        weights /= weights.sum(dim=1, keepdim=True).clamp_min(LEAST_WEIGHT)
        positions = torch.stack([line[i], line[j], line[k]], dim=1)
        answers = evidence(logits, positions, weights, nodes).cpu()
        found[:, :, i, j, k] = answers.permute(1, 2, 0)
    return found
