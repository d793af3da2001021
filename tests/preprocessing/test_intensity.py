"""Windows and histogram equalisation, against values worked out by hand."""

from __future__ import annotations

import pytest
import torch

from scripts.preprocessing.intensity import equalize_histogram, window, windows


def test_a_window_is_linear_inside_and_clipped_outside() -> None:
    hu = torch.tensor([-1024, -20, 10, 40, 100, 3000])
    assert window(hu, -20, 100).tolist() == [0, 0, 0.25, 0.5, 1, 1]
    assert window(hu, -20, 100).dtype == torch.float32
    assert hu[0] == -1024


def test_windows_are_channels_and_air_is_exactly_0() -> None:
    hu = torch.tensor([-1024.0, 40, 750]).view(1, 3, 1, 1)
    assert torch.allclose(windows(hu).flatten(1), torch.tensor([[0, 0.5, 1], [0, 40 / 1500, 0.5]]))
    masked = windows(hu, foreground=torch.tensor([1, 0, 1]).view(1, 3, 1, 1))
    assert masked.flatten(1).tolist() == [[0, 0, 1], [0, 0, 0.5]]


def test_equalisation_is_the_share_of_the_foreground_that_is_not_brighter() -> None:
    hu = torch.randint(-1024, 3000, (1, 4, 5, 6), generator=torch.Generator().manual_seed(0)).float()
    inside = torch.rand(1, 4, 5, 6, generator=torch.Generator().manual_seed(1)) > 0.4
    equalised = equalize_histogram(hu, inside)
    for value, mask, result in zip(hu.flatten(), inside.flatten(), equalised.flatten(), strict=True):
        share = (hu[inside] <= value).double().mean() if mask else 0.0
        assert float(result) == pytest.approx(float(share))


def test_equalisation_makes_the_foreground_uniform_and_ignores_the_background() -> None:
    hu = torch.linspace(0, 1, 1000).pow(3).mul(2000).round().view(1, 10, 10, 10)
    inside = torch.ones_like(hu)
    inside[:, :5] = 0
    values = equalize_histogram(hu, inside)[inside > 0]
    assert torch.allclose(values.sort().values, torch.arange(1, 501) / 500, atol=0.02)
    changed = torch.where(inside > 0, hu, -1024)
    assert torch.equal(equalize_histogram(changed, inside), equalize_histogram(hu, inside))


def test_equalisation_without_foreground() -> None:
    hu = torch.tensor([5.0, 5, -2000, 4000]).view(1, 4, 1, 1)
    assert equalize_histogram(hu).flatten().tolist() == [0.75, 0.75, 0.25, 1]
    assert not equalize_histogram(hu, torch.zeros_like(hu)).any()


def test_what_cannot_be_scaled_is_refused() -> None:
    with pytest.raises(ValueError, match="lower < upper, got 100 and 100 HU"):
        window(torch.zeros(1), 100, 100)
    with pytest.raises(ValueError, match=r"need a volume \(1, I, J, K\) in HU, got \(2, 2, 2\)"):
        windows(torch.zeros(2, 2, 2))
    with pytest.raises(ValueError, match="not finite"):
        equalize_histogram(torch.full((1, 1, 1, 1), float("nan")))
