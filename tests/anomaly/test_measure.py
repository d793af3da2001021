"""From blocks to evidence: the weights of a file, the network's inputs, and the density at the places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from density_net import density_net

from scripts.anomaly import measure as module
from scripts.anomaly.density import density_at_places
from scripts.anomaly.measure import MeasureEvidence
from scripts.anomaly.parts import Evidence, whole
from scripts.networks.density import DensityPositionNet
from scripts.networks.inferers import EvidenceInferer
from scripts.preprocessing.blocks import FIRST_PLACE, at_places
from scripts.preprocessing.transforms import ScaleWindowsd

WINDOWS_HU = ((5, 65), (-100, 200), (0, 1500))
HEAD = (slice(50, 70), slice(54, 74), slice(56, 76))


def network(seed: int) -> DensityPositionNet:
    torch.manual_seed(seed)
    found = density_net(8)
    found.nodes.copy_(torch.rand(8, 3))
    return found.eval()


@pytest.fixture
def blocks() -> torch.Tensor:
    """A small head of noise."""
    values = torch.full((1, 127, 127, 127), -1024, dtype=torch.int16)
    values[:, *HEAD] = torch.randint(0, 80, (20, 20, 20), dtype=torch.int16, generator=torch.Generator().manual_seed(0))
    return values


def test_the_evidence_is_that_of_the_weights_in_the_file(tmp_path: Path, blocks: torch.Tensor) -> None:
    torch.save(network(1).state_dict(), tmp_path / "evidence.pt")
    intensity, inferer = ScaleWindowsd("image", WINDOWS_HU), EvidenceInferer(FIRST_PLACE)
    measure = MeasureEvidence(network(2), str(tmp_path / "evidence.pt"), inferer, intensity)
    regions = np.zeros((256, 256, 256), np.uint8)
    regions[100:128, 108:150, 112:154], regions[128:142, 108:150, 112:154] = 1, 2
    found = measure(blocks, regions)
    inputs = torch.as_tensor(intensity({"image": blocks})["image"])
    said = inferer(inputs[None], network(1))[0].numpy()
    expected = Evidence.of(said, density_at_places(blocks[0].numpy(), at_places(regions)))
    np.testing.assert_array_equal(found.features, expected.features)
    np.testing.assert_array_equal(found.density, expected.density)
    assert 200 < np.isfinite(found.density).sum() < 2000
    np.testing.assert_array_equal(measure(blocks, regions).features, found.features)
    assert found.inference == {"device": "cpu", "tile": 16, "fallback": False}


def test_beside_a_cut_through_the_head_there_is_no_evidence(
    tmp_path: Path, blocks: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(network(1).state_dict(), tmp_path / "evidence.pt")
    parts = EvidenceInferer(FIRST_PLACE), ScaleWindowsd("image", WINDOWS_HU)
    usual = np.zeros((256, 256, 256), np.uint8)
    usual[100:142, 108:150, 60:154] = 1
    monkeypatch.setattr(module, "load_regions", lambda path: usual)
    measure = MeasureEvidence(network(2), str(tmp_path / "evidence.pt"), *parts, reference_regions="regions")
    regions, validity = usual.copy(), np.ones((256, 256, 256), np.uint8)
    whole_head = measure(blocks, regions, validity)
    np.testing.assert_array_equal(whole_head.features, measure(blocks, regions).features)
    validity[:, :, 160:] = 0
    np.testing.assert_array_equal(measure(blocks, regions, validity).features, whole_head.features, "no head above")
    validity[:, :, :112] = 0
    cut = whole(measure(blocks, regions, validity).features)[3]
    known = np.isfinite(cut).any(axis=(0, 1))
    lowest_mm = 4 * int(np.argmax(known)) + FIRST_PLACE
    assert 17 <= lowest_mm - 110 <= 25, "half of the largest receptive field above the last place that is not seen"
    assert np.isfinite(whole(whole_head.features)[3]).any(axis=(0, 1)).sum() > known.sum() > 0


def test_weights_of_another_network_are_refused(tmp_path: Path, blocks: torch.Tensor) -> None:
    torch.save({"other": torch.zeros(1)}, tmp_path / "evidence.pt")
    parts = EvidenceInferer(FIRST_PLACE), ScaleWindowsd("image", WINDOWS_HU)
    measure = MeasureEvidence(network(2), str(tmp_path / "evidence.pt"), *parts)
    with pytest.raises(RuntimeError, match="Missing key"):
        measure(blocks, np.zeros((256, 256, 256), np.uint8))
