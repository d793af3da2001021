"""The training loss."""

from __future__ import annotations

import pytest
import torch

from scripts.training.loss import PositionLoss


def test_mean_distance_over_what_counts_by_a_slow_loop() -> None:
    torch.manual_seed(0)
    predicted, label = torch.rand(2, 3, 2, 2, 2), torch.rand(2, 4, 2, 2, 2)
    label[:, 3] = (label[:, 3] > 0.5).float()
    distances = [
        (predicted[b, :, i, j, k] - label[b, :3, i, j, k]).pow(2).sum().sqrt()
        for b in range(2)
        for i in range(2)
        for j in range(2)
        for k in range(2)
        if label[b, 3, i, j, k] == 1
    ]
    torch.testing.assert_close(PositionLoss()(predicted, label), torch.stack(distances).mean())


def test_background_only_is_no_loss_and_no_nan() -> None:
    predicted = torch.rand(1, 3, 2, 2, 2, requires_grad=True)
    loss = PositionLoss()(predicted, torch.zeros(1, 4, 2, 2, 2))
    loss.backward()
    assert float(loss.detach()) == 0
    assert predicted.grad is not None
    assert float(predicted.grad.abs().sum()) == 0


def test_predictions_of_single_patches_fit_labels_of_one_place() -> None:
    label = torch.tensor([[0.1, 0.2, 0.3, 1.0]]).reshape(1, 4, 1, 1, 1)
    assert float(PositionLoss()(torch.tensor([[0.1, 0.2, 0.3]]), label)) == 0


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(
        ValueError, match=r"label must be \(B, 4, \*spatial\).*got \(1, 4, 3, 2, 2\) and \(1, 3, 2, 2, 2\)"
    ):
        PositionLoss()(torch.zeros(1, 3, 2, 2, 2), torch.zeros(1, 4, 3, 2, 2))
