"""The density network's loss: cross-entropy of the true place, and how far the density's mean lies from it.

L = sum over receptive fields of the mean over places of -sum_n w_n log p_n + 0.3 ||sum_n p_n c_n - x|| / step, with the
density p over the nodes c, the true position x, and its trilinear weights w on the eight nodes around it. The second
term makes the mean a good position, which the first alone does not ask for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..geometry.coordinates import POSITION_SCALE_MM
from ..networks.density import node_weights
from ..networks.evidence import LATTICE_MM

DISTANCE_WEIGHT = 0.3
"""Weight of the distance, in units of the lattice's step."""


class DensityLoss(nn.Module):
    """The loss of logits at places whose positions are known."""

    def __init__(self, nodes: Tensor, distance_weight: float = DISTANCE_WEIGHT) -> None:
        """Nodes (N, 3), normalised, as the network's."""
        super().__init__()
        self.nodes, self.distance_weight = nodes, distance_weight

    def forward(self, logits: Tensor, positions: Tensor) -> Tensor:
        """The loss (a scalar) of logits (n, 4, N) at true positions (n, 3), normalised.

        Raises:
            ValueError: the shapes do not fit each other.
        """
        if logits.dim() != 3 or positions.shape != (len(logits), 3) or logits.shape[2] != len(self.nodes):
            raise ValueError(
                f"the loss needs logits (n, 4, {len(self.nodes)}) and positions (n, 3), "
                f"got {tuple(logits.shape)} and {tuple(positions.shape)}"
            )
        step = LATTICE_MM / POSITION_SCALE_MM
        nodes = self.nodes.to(logits.device)
        logarithm = torch.log_softmax(logits.float(), dim=-1)
        weights = node_weights(positions, nodes, step)
        wrong = -torch.einsum("nfk,nk->nf", logarithm, weights)
        apart = torch.linalg.vector_norm(logarithm.exp() @ nodes - positions[:, None], dim=-1) / step
        loss: Tensor = (wrong + self.distance_weight * apart).mean(dim=0).sum()
        return loss
