"""Localisation error: how precisely the network knows healthy heads, in millimetres.

The *localisation error* of a voxel is the distance from its predicted to its true position, E * 255 mm on the reference
grid. It is reported as the median over the voxels of a region (brain: both hemispheres; skull), averaged over heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from ..geometry.coordinates import POSITION_SCALE_MM, error_map

BRAIN, SKULL = (1, 2), (3,)
"""Region labels that a localisation error is taken over."""


class LocalisationError(CumulativeIterationMetric):
    """Median localisation error in mm over the voxels of some regions, one value a head; their mean is the metric."""

    def __init__(self, labels: Sequence[int] = BRAIN, stride: int = 4) -> None:  # noqa: B042 no exception
        super().__init__()
        self.labels = tuple(labels)
        self.stride = stride

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: Any) -> Tensor:
        """Values (B, 1) from predicted positions (B, 3, *strided) and regions (B, 1, *reference); NaN where empty."""
        error = error_map(torch.as_tensor(y_pred), self.stride) * POSITION_SCALE_MM
        regions = torch.as_tensor(y)[:, :, :: self.stride, :: self.stride, :: self.stride]
        inside = torch.isin(regions, torch.tensor(self.labels, device=regions.device, dtype=regions.dtype))
        return torch.stack([error[b][inside[b]].nanmedian().reshape(1) for b in range(len(error))])

    def aggregate(self) -> Tensor:
        """Mean over heads of the median error in mm.

        Raises:
            ValueError: no head has a voxel in the regions, so there is no error to report.
        """
        values = self.get_buffer()  # type: ignore[no-untyped-call]
        if not isinstance(values, Tensor) or bool(torch.isnan(values).all()):
            raise ValueError(f"no voxel of the regions {self.labels} in any validation head: check the label key")
        return torch.nanmean(values)


class LabelledError(CumulativeIterationMetric):
    """Median distance in mm from predicted to labelled positions, one value a sample; their mean is the metric."""

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: Any) -> Tensor:
        """Values (B, 1) from predicted positions (B, 3, *spatial) and labels with weights (B, 4, *spatial)."""
        label = torch.as_tensor(y)
        distance = torch.linalg.vector_norm(torch.as_tensor(y_pred) - label[:, :3], dim=1) * POSITION_SCALE_MM
        counts = label[:, 3] > 0
        return torch.stack([distance[b][counts[b]].nanmedian().reshape(1) for b in range(len(distance))])

    def aggregate(self) -> Tensor:
        """Mean over samples of the median error in mm.

        Raises:
            ValueError: no prediction counts in any sample, so there is no error to report.
        """
        values = self.get_buffer()  # type: ignore[no-untyped-call]
        if not isinstance(values, Tensor) or bool(torch.isnan(values).all()):
            raise ValueError("no prediction counts in any validation sample: check the label key")
        return torch.nanmean(values)


def lower_is_better(current: float, best: float) -> bool:
    """True if an error in mm is better than the best so far; NaN never is."""
    return current < best
