"""The training loss: how far predicted positions lie from where the patches were.

L = sum_k w_k ||x_k - x̂_k||_2 / sum_k w_k over the predictions k of a batch (Bieder et al., MIDL 2022, who average over
patches). The weight w_k is 1 where the prediction counts and 0 where its patch holds background only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PositionLoss(nn.Module):
    """Mean distance between predicted and true positions, over the predictions that count."""

    def forward(self, predicted: Tensor, label: Tensor) -> Tensor:
        """Mean distance (a scalar), in units of normalised position.

        Args:
            predicted: predicted positions (B, 3, *spatial), normalised to [0, 1]; (B, 3) for single patches.
            label: true positions and, as the fourth channel, weights: (B, 4, *spatial).

        Raises:
            ValueError: the shapes do not fit each other.
        """
        if predicted.dim() == 2:
            predicted = predicted[:, :, None, None, None]
        if label.shape[1] != 4 or predicted.shape[2:] != label.shape[2:]:
            raise ValueError(
                f"label must be (B, 4, *spatial) beside predictions (B, 3, *spatial), "
                f"got {tuple(label.shape)} and {tuple(predicted.shape)}"
            )
        distance = torch.linalg.vector_norm(predicted.float() - label[:, :3].float(), dim=1)
        weight = label[:, 3].float()
        loss: Tensor = (distance * weight).sum() / weight.sum().clamp_min(1.0)
        return loss
