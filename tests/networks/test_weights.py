"""What a file of weights holds is told apart, whatever file it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from scripts.baseline.autoencoder import SpatialAutoencoder
from scripts.networks.position import DensePositionNet, PatchPositionNet
from scripts.networks.weights import UNREADABLE, sizes_of, tensors_sha256

STATE = {"stem.weight": torch.arange(24.0).reshape(2, 3, 4), "scale": torch.tensor(0.5), "empty": torch.zeros(0, 3)}


def saved(folder: Path, state: object, name: str = "weights.pt") -> str:
    torch.save(state, folder / name)
    return tensors_sha256(folder / name)


def test_what_does_not_matter(tmp_path: Path) -> None:
    same = saved(tmp_path, STATE)
    turned = STATE["stem.weight"].transpose(0, 2).contiguous().transpose(0, 2)
    assert not turned.is_contiguous()
    assert saved(tmp_path, dict(reversed((STATE | {"stem.weight": turned}).items())), "other.pt") == same
    assert (tmp_path / "weights.pt").read_bytes() != (tmp_path / "other.pt").read_bytes()
    assert saved(tmp_path, {name: nn.Parameter(values) for name, values in STATE.items()}) == same


@pytest.mark.parametrize(
    "change",
    [
        {"scale": torch.tensor(0.25)},
        {"scale": torch.tensor([0.5])},
        {"scale": torch.tensor(0.5, dtype=torch.bfloat16)},
        {"stem.weight": STATE["stem.weight"].reshape(3, 2, 4)},
        {"more": torch.zeros(0)},
    ],
)
def test_what_matters(change: dict[str, Tensor], tmp_path: Path) -> None:
    assert saved(tmp_path, STATE | change) != saved(tmp_path, STATE)


@pytest.mark.parametrize("state", [{"network": STATE}, [torch.zeros(1)], {"epoch": 3}])
def test_other_content_is_no_state_dict(state: object, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"weights\.pt holds something else than tensors by name"):
        saved(tmp_path, state)


@pytest.mark.parametrize("content", [b"", b"text", None])
def test_a_file_that_can_t_be_read_raises_one_of_these(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(UNREADABLE):
        tensors_sha256(tmp_path / "weights.pt")


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (DensePositionNet(3, 27, 2), {"width": 3, "patch_size": 27}),
        (PatchPositionNet(2, patch_size=23), {"width": 2, "patch_size": 23}),
        (SpatialAutoencoder(3), {"width": 3}),
        (nn.Linear(2, 2), {}),
    ],
)
def test_weights_tell_the_sizes_of_their_network(network: nn.Module, expected: dict[str, int], tmp_path: Path) -> None:
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    assert sizes_of(tmp_path / "weights.pt") == expected


def test_published_weights_of_before_tell_no_patch_size(tmp_path: Path) -> None:
    state = {name: values for name, values in PatchPositionNet(2).state_dict().items() if name != "patch_size"}
    torch.save(state, tmp_path / "weights.pt")
    assert sizes_of(tmp_path / "weights.pt") == {"width": 2}


@pytest.mark.parametrize("content", [b"text", None, STATE, [torch.zeros(1)]])
def test_what_is_no_network_has_no_size(content: object, tmp_path: Path) -> None:
    if isinstance(content, bytes):
        (tmp_path / "weights.pt").write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / "weights.pt")
    assert sizes_of(tmp_path / "weights.pt") == {}
