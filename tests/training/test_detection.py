"""Metrics of planted heads: the error of the places, and which hemispheres stand out."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from scripts.training.detection import EvidenceError, SurpriseAuroc, planted_batch

SIZE = 16


def regions() -> torch.Tensor:
    """Labels (1, n, n, n): the left half 1, the right half 2, the top 3."""
    labels = torch.ones(1, SIZE, SIZE, SIZE, dtype=torch.uint8)
    labels[:, SIZE // 2 :] = 2
    labels[..., -1] = 3
    return labels


def head(sick: list[int], surprise: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Evidence (20, n, n, n) with so much surprise in a part of each sick hemisphere, and its label."""
    evidence = torch.rand(4, 5, SIZE, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) / 10
    evidence[:, 0] = 3.0
    evidence[:, 1:3] = 0.0
    for side, part in ((0, slice(2, 6)), (1, slice(10, 14))):
        if sick[side] == 1:
            evidence[:, 3, part, 4:8, 4:8] += surprise
    _, label = planted_batch({"image": torch.zeros(1), "label": regions()[None], "sick": torch.tensor([sick])})
    return evidence.flatten(0, 1), label[0]


def test_a_batch_holds_regions_and_the_label_of_each_hemisphere() -> None:
    batch = {"image": torch.zeros(2, 1), "label": torch.stack([regions()] * 2), "sick": torch.tensor([[0, 0], [-1, 1]])}
    _, label = planted_batch(batch)
    assert label.shape == (2, 2, SIZE, SIZE, SIZE)
    assert torch.equal(label[:, :1], batch["label"].long())
    assert label[0, 1, 0, 0, 0] == label[0, 1, -1, 0, 0] == 0
    assert (label[1, 1, 0, 0, 0], label[1, 1, -1, 0, 0], label[1, 1, 0, 0, -1]) == (-1, 1, -1)


def test_the_error_is_the_median_length_of_the_residual() -> None:
    evidence, label = head([0, 0], 0)
    evidence[15:18, : SIZE // 2] = torch.tensor([3.0, 4, 12])[:, None, None, None]
    metric = EvidenceError(labels=[1])
    metric(y_pred=evidence[None], y=label[None])
    assert metric.aggregate().item() == pytest.approx(13)
    first = EvidenceError(labels=[1, 2], field=0)
    first(y_pred=evidence[None], y=label[None])
    assert first.aggregate().item() == pytest.approx(3)
    nowhere = EvidenceError(labels=[7])
    nowhere(y_pred=evidence[None], y=label[None])
    with pytest.raises(ValueError, match="no place of the regions"):
        nowhere.aggregate()


class OnGpu(torch.Tensor):
    """Stands for labels on a GPU, which choose nothing of a tensor on the CPU before they have come to it."""

    def to(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        return self.as_subclass(torch.Tensor).to(*args, **kwargs)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.isin:
            raise RuntimeError("indices should be either on cpu or on the same device as the indexed tensor (cpu)")
        return super().__torch_function__(func, types, args, kwargs or {})


def test_labels_on_a_gpu_come_to_the_evidence_which_is_on_the_cpu() -> None:
    evidence, label = head([0, 0], 0)
    metric = EvidenceError()
    metric(y_pred=evidence[None], y=label[None].as_subclass(OnGpu))
    assert metric.aggregate().item() == pytest.approx(3)


@pytest.mark.parametrize("sided", [True, False])
def test_hemispheres_with_surprise_stand_out(sided: bool) -> None:
    metric = SurpriseAuroc(sided)
    for sick, surprise in (([0, 0], 0.0), ([1, -1], 5.0), ([-1, 1], 5.0)):
        evidence, label = head(sick, surprise)
        metric(y_pred=[evidence], y=[label])
    assert metric.aggregate().item() == 1.0


def test_what_is_on_both_sides_cancels_in_the_one_sided_surprise() -> None:
    found = []
    for sided in (True, False):
        metric = SurpriseAuroc(sided)
        for sick, surprise in (([0, 0], 0.0), ([1, 1], 5.0)):
            evidence, label = head(sick, surprise)
            evidence[3::5] = (evidence[3::5] + evidence[3::5].flip(1)) / 2
            metric(y_pred=[evidence], y=[label])
        found.append(metric.aggregate().item())
    assert found == [0.5, 1.0]


def test_without_lesions_there_is_no_auroc() -> None:
    metric = SurpriseAuroc()
    evidence, label = head([0, 0], 0)
    metric(y_pred=[evidence], y=[label])
    assert math.isnan(metric.aggregate().item())
