"""Networks of any width come from weights and from checkpoints alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cohort.networks import autoencoder, described, patch_size_of, position_network, width_of
from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.networks.position import PATCH_SIZES, DensePositionNet, PatchPositionNet, fold_spectral_norm
from scripts.workflow import parsed_configs


def test_our_network_comes_from_weights_and_from_a_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = DensePositionNet(2, in_channels=2, spectral_norm=True)
    trained(torch.rand(1, 2, 31, 31, 31))
    plain = fold_spectral_norm(trained).eval()
    torch.save({"network": trained.state_dict(), "optimizer": {}}, tmp_path / "checkpoint.pt")
    torch.save(plain.state_dict(), tmp_path / "weights.pt")
    patch = torch.rand(1, 2, 31, 31, 31)
    with torch.no_grad():
        expected = plain(patch)
        for name in ("checkpoint.pt", "weights.pt"):
            torch.testing.assert_close(
                position_network(parsed_configs(["inference.json"]), tmp_path / name)(patch), expected
            )


def test_the_published_network_comes_from_a_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    trained = PatchPositionNet(1, spectral_norm=True, patch_size=23)
    torch.save({"network": trained.state_dict()}, tmp_path / "checkpoint.pt")
    parser = parsed_configs(["inference.json", "published.json"])
    found = position_network(parser, tmp_path / "checkpoint.pt")
    assert isinstance(found, PatchPositionNet)
    assert parser.get_parsed_content("inferer").patch_size == 23
    assert described(tmp_path / "checkpoint.pt") == {"width": 1, "patch_size": 23, "iterations": None}
    assert width_of(found.state_dict()) == 1


def test_the_shipped_weights_are_the_default() -> None:
    assert isinstance(position_network(parsed_configs(["inference.json"]), None), DensePositionNet)


def test_an_autoencoder_of_any_width(tmp_path: Path) -> None:
    network = SpatialAutoencoder(3).eval()
    torch.save({"network": network.state_dict()}, tmp_path / "checkpoint.pt")
    volume = torch.rand(1, 1, 16, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(autoencoder(tmp_path / "checkpoint.pt")(volume), network(volume))


def test_other_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="no weights of a position network, they hold"):
        width_of({"x": torch.zeros(1)})


def test_a_file_says_the_width_and_a_checkpoint_the_iterations(tmp_path: Path) -> None:
    position, reconstruction = DensePositionNet(2, in_channels=2), SpatialAutoencoder(3)
    torch.save({"network": position.state_dict(), "trainer": {"iteration": 1350}}, tmp_path / "checkpoint.pt")
    torch.save(reconstruction.state_dict(), tmp_path / "weights.pt")
    assert described(tmp_path / "checkpoint.pt") == {"width": 2, "patch_size": 31, "iterations": 1350}
    assert described(tmp_path / "weights.pt") == {"width": 3, "patch_size": None, "iterations": None}


@pytest.mark.parametrize("size", PATCH_SIZES)
def test_the_patch_size_is_read_from_the_weights(size: int, tmp_path: Path) -> None:
    state = DensePositionNet(1, size, in_channels=2, spectral_norm=True).state_dict()
    assert patch_size_of(state) == size
    torch.save(state, tmp_path / "weights.pt")
    assert position_network(parsed_configs(["inference.json"]), tmp_path / "weights.pt").patch_size == size


def test_a_network_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="no position network has 0 convolutions in its second block and a head of 9"):
        patch_size_of({"hidden.weight": torch.zeros(1, 1, 9, 9, 9)})
