"""Metrics of the density network's validation: localisation of places, and detection of planted lesions.

A network that localises better may detect worse, so both stand in the learning curve. Detection is measured without a
calibration: a hemisphere's score is the mean of the highest 1 % of its *surprise*, summed over the receptive fields, or
of its one-sided surprise, which is what exceeds that of the mirror place. The metric is the AUROC of sick against
healthy hemispheres; see `planted` for which these are.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from ..anomaly.evidence import KINDS, features_of, one_sided, smoothed, top_mean
from ..preprocessing.regions import LEFT_HEMISPHERE, RIGHT_HEMISPHERE
from ..statistics.auroc import auroc
from .metrics import BRAIN

RESIDUAL, SURPRISE = slice(0, 3), 3
"""Their places among the five numbers of a receptive field."""


def planted_batch(
    batch: Mapping[Hashable, Any], device: Any = None, non_blocking: bool = False, **_: Any
) -> tuple[Tensor, Tensor]:
    """Inputs, and labels (B, 2, n, n, n) of a batch of planted heads: regions, and the label of each hemisphere."""
    regions, sick = torch.as_tensor(batch["label"]).long(), torch.as_tensor(batch["sick"]).long()
    sides = torch.full_like(regions, -1)
    for column, region in enumerate((LEFT_HEMISPHERE, RIGHT_HEMISPHERE)):
        sides = torch.where(regions == region, sick[:, column, None, None, None, None], sides)
    inputs = torch.as_tensor(batch["image"]).to(device, non_blocking=non_blocking)
    return inputs, torch.cat([regions, sides], dim=1).to(device, non_blocking=non_blocking)


class EvidenceError(CumulativeIterationMetric):
    """Median length of the residual in mm over some regions, at one receptive field; the mean over heads."""

    def __init__(self, labels: Sequence[int] = BRAIN, field: int = -1) -> None:  # noqa: B042 no exception
        super().__init__()
        self.labels, self.field = tuple(labels), field

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: Any) -> Tensor:
        """Values (B, 1) from evidence (B, 20, n, n, n) and labels (B, 2, n, n, n); NaN where empty."""
        fields = torch.as_tensor(y_pred).unflatten(1, (-1, KINDS))
        label = torch.as_tensor(y).to(fields.device)  # evidence is on the CPU, wherever the network is
        error = torch.linalg.vector_norm(fields[:, self.field, RESIDUAL], dim=1)
        inside = torch.isin(label[:, 0], torch.tensor(self.labels, device=label.device))
        return torch.stack([error[b][inside[b]].nanmedian().reshape(1) for b in range(len(error))])

    def aggregate(self) -> Tensor:
        """Mean over heads of the median error in mm.

        Raises:
            ValueError: no head has a place in the regions, so there is no error to report.
        """
        values = self.get_buffer()  # type: ignore[no-untyped-call]
        if not isinstance(values, Tensor) or bool(torch.isnan(values).all()):
            raise ValueError(f"no place of the regions {self.labels} in any validation head: check the label key")
        return torch.nanmean(values)


class SurpriseAuroc(CumulativeIterationMetric):
    """AUROC of the surprise, or of the one-sided one, of sick against healthy hemispheres."""

    def __init__(self, sided: bool = True) -> None:  # noqa: B042 no exception
        super().__init__()
        self.sided = sided

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_: Any) -> Tensor:
        """Values (2, 2) of each head, stacked: score and label of each hemisphere; -1 is the label of one left out."""
        return torch.cat(
            [
                self._head(torch.as_tensor(p), torch.as_tensor(t))
                for p, t in zip(y_pred, torch.as_tensor(y), strict=True)
            ]
        )

    def _head(self, evidence: Tensor, label: Tensor) -> Tensor:
        fields = evidence.unflatten(0, (-1, KINDS)).float().cpu().numpy()
        surprise = fields[:, SURPRISE].sum(axis=0, keepdims=True)
        regions, sides = label.cpu().numpy()
        values = features_of(surprise, np.isfinite(surprise[0]))[0]
        values = smoothed(one_sided(values)) if self.sided else values
        rows = []
        for region in (LEFT_HEMISPHERE, RIGHT_HEMISPHERE):
            inside = regions == region
            score = top_mean(values, inside)
            rows.append([score or 0.0, float(sides[inside].max()) if inside.any() and score is not None else -1.0])
        return torch.tensor(rows)

    def aggregate(self) -> Tensor:
        """The AUROC; NaN where hemispheres of one kind are missing."""
        values = self.get_buffer()  # type: ignore[no-untyped-call]
        found = torch.as_tensor(values).numpy()
        sick, healthy = found[found[:, 1] == 1, 0], found[found[:, 1] == 0, 0]
        if not sick.size or not healthy.size:
            return torch.tensor(float("nan"))
        return torch.tensor(auroc([*sick, *healthy], [True] * sick.size + [False] * healthy.size))
